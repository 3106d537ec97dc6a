import { Controller, Get, Redirect } from '@nestjs/common';
import { SecureExempt, SecureRequired } from 'nestjs-secure';
import { adapters, createApp } from '../support/applications.js';

abstract class AccountController {
  @SecureRequired({ noStore: true, upgradeRedirects: true })
  @Get('edit')
  edit(): unknown {
    return 'edit';
  }

  @SecureRequired()
  @Get('plain')
  plain(): unknown {
    return 'plain';
  }

  @SecureRequired({ noStore: true })
  @Get('freed')
  freed(): unknown {
    return 'freed';
  }
}

// TypeScript gives an override none of the metadata of what it overrides.
@Controller()
class OwnAccountController extends AccountController {
  @Redirect('http://localhost/next')
  @Get('edit')
  override edit(): unknown {
    return undefined;
  }

  @Redirect('http://localhost/next')
  @Get('plain')
  override plain(): unknown {
    return undefined;
  }

  @SecureExempt()
  @Get('freed')
  override freed(): unknown {
    return 'freed';
  }
}

describe.each(adapters)('a method that overrides a marked one on %s', (_platform, newAdapter) => {
  const parts = { controllers: [OwnAccountController] };

  it('keeps noStore and upgradeRedirects with the mark', async () => {
    const app = await createApp(newAdapter, parts);
    const { status, headers } = await app.ask('/edit', { https: true });
    expect(status).toBe(302);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', location: 'https://localhost/next' });
    expect((await app.ask('/edit')).headers.location).toBe('https://localhost/edit');
  });

  it('is given neither where the mark asked for neither', async () => {
    const app = await createApp(newAdapter, parts);
    const { headers } = await app.ask('/plain', { https: true });
    expect(headers.location).toBe('http://localhost/next');
    expect(headers).not.toHaveProperty('cache-control');
  });

  it('keeps nothing where it has a mark of its own', async () => {
    const app = await createApp(newAdapter, parts);
    expect((await app.ask('/freed')).headers).not.toHaveProperty('cache-control');
  });
});
