import { Controller, Get, Inject, Param } from '@nestjs/common';
import { SecureRequired } from 'nestjs-secure';
import { Members, type Member } from '../members/members.js';

/** A program that asks over plain HTTP is refused, never redirected: it would go on asking over plain HTTP, and nobody would notice. */
@Controller('api/members')
@SecureRequired({ onInsecure: 'refuse' })
export class ApiController {
  constructor(@Inject(Members) private readonly members: Members) {}

  @Get(':slug')
  readMember(@Param('slug') slug: string): Member {
    return this.members.find(slug);
  }
}
