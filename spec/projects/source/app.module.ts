import { Module } from '@nestjs/common';
import { SecureModule, type SecureOptions } from 'nestjs-secure';
import { MembersController } from './members.controller.js';

const options: SecureOptions = { hosts: ['127.0.0.1'], redirect: { host: 'example.com' }, paths: ['/admin'] };

@Module({ imports: [SecureModule.forRoot(options)], controllers: [MembersController] })
export class AppModule {}
