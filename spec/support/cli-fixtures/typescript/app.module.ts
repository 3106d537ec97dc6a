import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';
import { SecureModule, SecureRequired } from 'nestjs-secure';
import { greeting } from './greeting.js';

@Controller('members')
export class MembersController {
  constructor(private readonly name: string) {}

  @Get()
  @SecureRequired()
  list(): string {
    return `${greeting} ${this.name}`;
  }
}

@Module({
  imports: [SecureModule.forRoot({ hosts: ['www.example.com'] })],
  controllers: [MembersController],
})
export class AppModule {}
