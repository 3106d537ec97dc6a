require('reflect-metadata');
const { Controller, Get, Module } = require('@nestjs/common');
const { SecureModule, SecureRequired } = require('nestjs-secure');

class MembersController {
  list() {}
}
Controller('members')(MembersController);
SecureRequired()(MembersController);
Get()(MembersController.prototype, 'list', Object.getOwnPropertyDescriptor(MembersController.prototype, 'list'));

class AppModule {}
Module({
  imports: [SecureModule.forRoot({ hosts: ['www.example.com'] })],
  controllers: [MembersController],
})(AppModule);

module.exports = { AppModule };
