import { Controller, Get } from '@nestjs/common';
import { SecureRequired, SecureUrls } from 'nestjs-secure';

@Controller('members')
export class MembersController {
  constructor(private readonly urls: SecureUrls) {}

  @Get()
  list(): string {
    // Injected by the type of the parameter, which the compiler must have kept, and of the one copy of the package there is.
    if (!(this.urls instanceof SecureUrls)) throw new TypeError('This is another SecureUrls.');
    return this.urls.urlFor(MembersController, 'edit', { slug: 'ada' });
  }

  @SecureRequired({ noStore: true })
  @Get(':slug/edit')
  edit(): string {
    return 'secret';
  }
}
