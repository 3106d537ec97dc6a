import 'reflect-metadata';
import { Inject, Module } from '@nestjs/common';
import { SecureModule } from 'nestjs-secure';

class Database {}
class Members {}
Inject(Database)(Members, undefined, 0);

export class AppModule {}
Module({ imports: [SecureModule.forRoot({ hosts: ['www.example.com'] })], providers: [Members] })(AppModule);
