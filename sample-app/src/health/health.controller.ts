import { Controller, Get } from '@nestjs/common';
import { SecureExempt } from 'nestjs-secure';

/** For whatever watches over the process: it asks over http and follows no redirects. */
@Controller('healthz')
export class HealthController {
  @Get()
  @SecureExempt()
  check(): { status: 'ok' } {
    return { status: 'ok' };
  }
}
