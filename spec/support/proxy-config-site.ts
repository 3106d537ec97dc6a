import {
  All,
  Controller,
  Delete,
  Get,
  Module,
  Post,
  Put,
  RequestMethod,
  Version,
  VersioningType,
  type INestApplication,
} from '@nestjs/common';
import { SecureExempt, SecureRequired, type SecureOptions } from 'nestjs-secure';

@Controller()
class PublicController {
  @Get()
  home(): string {
    return 'home';
  }
  @Get('health')
  health(): string {
    return 'health';
  }
  @Post('open')
  open(): string {
    return 'open';
  }
  @Get('open/:slug')
  openOne(): string {
    return 'openOne';
  }
}

@Controller('members')
class MembersController {
  @Get()
  list(): string {
    return 'list';
  }
  // Before the pattern that covers it, and plainer: it answers first on both platforms.
  @Get('new/edit')
  newcomer(): string {
    return 'newcomer';
  }
  @SecureRequired()
  @Get(':slug')
  show(): string {
    return 'show';
  }
  @SecureRequired()
  @Get(':slug/edit')
  edit(): string {
    return 'edit';
  }
  // After it, so that on Express the pattern answers first.
  @Get('late/edit')
  late(): string {
    return 'late';
  }
  @SecureRequired({ refuse: { status: 404 } })
  @Put(':slug')
  update(): string {
    return 'update';
  }
}

@SecureRequired({ onInsecure: 'redirect', redirect: { permanent: true } })
@Controller('account')
class AccountController {
  @SecureExempt()
  @Get('ping')
  ping(): string {
    return 'ping';
  }
  @Get()
  show(): string {
    return 'account';
  }
  @Post('avatar')
  avatar(): string {
    return 'avatar';
  }
  @SecureRequired({ onInsecure: 'refuse', refuse: { status: 426 } })
  @Delete(':id')
  remove(): string {
    return 'remove';
  }
  @SecureRequired({ redirect: { status: { safe: 302, unsafe: 307 } }, onInsecure: 'redirect' })
  @All('settings/:section')
  settings(): string {
    return 'settings';
  }
}

@SecureRequired()
class StatementsController {
  @Get('statement')
  statement(): string {
    return 'statement';
  }
  @SecureExempt()
  @Get('rates')
  rates(): string {
    return 'rates';
  }
}

// The mark of the class it extends holds for it too.
@Controller('bank')
class BankController extends StatementsController {
  @Get('branches')
  branches(): string {
    return 'branches';
  }
}

@Controller({ path: 'reports', version: ['1', '2'] })
class ReportsController {
  @SecureRequired({ onInsecure: 'refuse' })
  @Get(':year')
  yearly(): string {
    return 'yearly';
  }
  @Version('3')
  @Get(':year')
  third(): string {
    return 'third';
  }
}

@Controller('files')
class FilesController {
  @SecureRequired()
  @Get('private/*')
  hidden(): string {
    return 'hidden';
  }
  @Get('public/*')
  shown(): string {
    return 'shown';
  }
}

// Below a path rule.
@Controller('admin')
class AdminController {
  @Get()
  desk(): string {
    return 'desk';
  }
  @SecureRequired({ onInsecure: 'redirect' })
  @Post('upload')
  upload(): string {
    return 'upload';
  }
  @SecureExempt()
  @Get('status')
  status(): string {
    return 'status';
  }
}

@Controller({ path: 'office', host: 'office.example.com' })
class OfficeController {
  @SecureRequired()
  @Get('desk')
  desk(): string {
    return 'office';
  }
}

/** A site with every way to require https and to be exempt from it. */
@Module({
  controllers: [
    PublicController,
    MembersController,
    AccountController,
    BankController,
    ReportsController,
    FilesController,
    AdminController,
    OfficeController,
  ],
})
export class ProxiedSiteModule {}

/** What `main.ts` does. */
export function configureProxiedSite(app: INestApplication): void {
  app.setGlobalPrefix('api', {
    exclude: ['/', { path: 'health', method: RequestMethod.GET }, 'files/public/*', 'files/private/*'],
  });
  app.enableVersioning({ type: VersioningType.URI });
}

/** The options of the site, by what is told apart. */
export const proxiedSites: [name: string, options: SecureOptions][] = [
  [
    'marks and path rules',
    {
      hosts: ['example.com', '.example.org'],
      paths: ['/api/admin', '/files/private/secret', '/.well-known'],
      exempt: ['/api/admin/public', '/api/ping'],
    },
  ],
  [
    'mode all',
    {
      mode: 'all',
      hosts: ['example.com', '.example.org'],
      paths: ['/api/admin'],
      exempt: ['/health', '/files/public', '/api/admin/public'],
      ports: { https: 8443 },
      redirect: { host: { 'www.example.net': 'example.com' } },
    },
  ],
  [
    'a fixed host, everything refused',
    { onInsecure: 'refuse', refuse: { status: 405 }, redirect: { host: 'example.com' } },
  ],
];
