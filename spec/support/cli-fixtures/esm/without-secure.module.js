import 'reflect-metadata';
import { Controller, Get, Module } from '@nestjs/common';

class HomeController {
  show() {}
}
Controller()(HomeController);
Get()(HomeController.prototype, 'show', Object.getOwnPropertyDescriptor(HomeController.prototype, 'show'));

export class AppModule {}
Module({ controllers: [HomeController] })(AppModule);
