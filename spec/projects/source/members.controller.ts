import { Controller, Get } from '@nestjs/common';
// oxlint-disable-next-line typescript/consistent-type-imports -- Nest reads the type of the constructor's parameter at run time
import { SecureRequired, SecureUrls } from 'nestjs-secure';

@Controller('members')
export class MembersController {
  constructor(private readonly urls: SecureUrls) {}

  @Get()
  list(): string {
    return this.urls.urlFor(MembersController, 'edit', { slug: 'ada' });
  }

  @SecureRequired({ noStore: true })
  @Get(':slug/edit')
  edit(): string {
    return 'secret';
  }
}
