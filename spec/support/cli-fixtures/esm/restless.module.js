import { Module } from '@nestjs/common';
import { SecureModule } from 'nestjs-secure';

// Keeps the process that loads it alive, and closes never.
setInterval(() => undefined, 60_000);

export class AppModule {
  onModuleDestroy() {
    return new Promise(() => undefined);
  }
}
Module({ imports: [SecureModule.forRoot({ hosts: ['www.example.com'] })] })(AppModule);
