import 'reflect-metadata';
import { Controller, Get, Module, Post } from '@nestjs/common';
import { SecureModule } from 'nestjs-secure';

class LoginController {
  show() {}
  logIn() {}
}
Controller('login')(LoginController);
for (const [name, decorator] of [
  ['show', Get()],
  ['logIn', Post()],
]) {
  decorator(LoginController.prototype, name, Object.getOwnPropertyDescriptor(LoginController.prototype, name));
}

export default class AppModule {}
Module({
  imports: [
    SecureModule.forRootAsync({
      useFactory: () => {
        console.error('the options were made');
        return { mode: 'all', hosts: ['www.example.com'] };
      },
    }),
  ],
  controllers: [LoginController],
})(AppModule);
