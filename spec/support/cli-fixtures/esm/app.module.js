import 'reflect-metadata';
import { writeSync } from 'node:fs';
import { Body, Controller, Get, Module, Param, Post } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';

/** Applies decorators to a method, as TypeScript does. */
const decorate = (target, name, ...decorators) =>
  decorators.forEach((decorator) =>
    decorator(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name)),
  );

class AccountsController {
  constructor() {
    // Whatever an application writes to its stdout is none of the answer.
    writeSync(1, 'AccountsController was constructed\n');
  }

  showLogin() {}
  logIn() {}
  showStatus() {}
}
Controller('accounts')(AccountsController);
SecureRequired()(AccountsController);
decorate(AccountsController, 'showLogin', Get('login'));
decorate(AccountsController, 'logIn', Post('login'));
decorate(AccountsController, 'showStatus', Get('status'), SecureExempt());

class CatsController {
  show() {}
  rename({ password }) {
    return password;
  }
}
Controller('cats')(CatsController);
decorate(CatsController, 'show', Get(':id'));
Param('id')(CatsController.prototype, 'show', 0);
decorate(CatsController, 'rename', Post(':id'));
Body()(CatsController.prototype, 'rename', 0);

class CatsModule {}
Module({ controllers: [CatsController] })(CatsModule);

export class AppModule {}
Module({
  imports: [
    CatsModule,
    RouterModule.register([{ path: 'zoo', module: CatsModule }]),
    SecureModule.forRoot({ paths: ['/zoo/admin'], hosts: ['www.example.com'] }),
  ],
  controllers: [AccountsController],
})(AppModule);

/** What main.ts does. */
export function prepare(app) {
  app.setGlobalPrefix('api');
}

export const notAModule = 42;
