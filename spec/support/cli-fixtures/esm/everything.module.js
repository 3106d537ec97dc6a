import 'reflect-metadata';
import { ApolloDriver } from '@nestjs/apollo';
import { All, Controller, Get, Injectable, Module, Post, Sse, Version, VersioningType } from '@nestjs/common';
import { APP_GUARD, LazyModuleLoader, RouterModule } from '@nestjs/core';
import { GraphQLModule, Mutation, Query, Resolver } from '@nestjs/graphql';
import { MessagePattern } from '@nestjs/microservices';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { SecureExempt, SecureModule, SecureRequired } from 'nestjs-secure';

const decorate = (target, name, ...decorators) =>
  decorators.forEach((decorator) =>
    decorator(target.prototype, name, Object.getOwnPropertyDescriptor(target.prototype, name)),
  );

class Pages {
  list() {}
  newer() {}
  anything() {}
  events() {}
  sum() {}
}
Controller({ path: ['pages', 'leaves'], host: 'www.example.com' })(Pages);
decorate(Pages, 'list', Get(['', 'all/:rest']));
decorate(Pages, 'newer', Version(['2', '3']), Get('newer'));
decorate(Pages, 'anything', All('anything'), SecureRequired({ onInsecure: 'refuse' }));
decorate(Pages, 'events', Sse('events'));
decorate(Pages, 'sum', MessagePattern('sum'));

class SpecialPages extends Pages {
  anything() {}
}
Controller('special')(SpecialPages);
SecureRequired()(SpecialPages);
decorate(SpecialPages, 'anything', Post('anything'), SecureExempt());

class Chat {
  handleConnection() {}
  say() {}
}
WebSocketGateway({ namespace: 'chat' })(Chat);
decorate(Chat, 'say', SubscribeMessage('say'), SecureRequired());

class Members {
  members() {
    return '';
  }
  join() {
    return '';
  }
}
Resolver()(Members);
decorate(
  Members,
  'members',
  Query(() => String),
);
decorate(
  Members,
  'join',
  Mutation(() => String),
  SecureRequired(),
);

class AuthGuard {
  canActivate() {
    return true;
  }
}
Injectable()(AuthGuard);

class Later {}
Injectable()(Later);
Reflect.defineMetadata('design:paramtypes', [LazyModuleLoader], Later);

class PagesModule {
  configure(consumer) {
    consumer.apply((_request, _response, next) => next()).forRoutes('pages');
  }
}
Module({ controllers: [Pages, SpecialPages], providers: [Chat, Members, Later] })(PagesModule);

export class AppModule {}
Module({
  imports: [
    PagesModule,
    RouterModule.register([{ path: 'site', children: [{ path: ':tenant', module: PagesModule }] }]),
    GraphQLModule.forRoot({ driver: ApolloDriver, autoSchemaFile: true }),
    SecureModule.forRoot({
      mode: 'all',
      exempt: ['/api/site'],
      paths: ['/no/such/path'],
      hosts: ['www.example.com'],
      redirect: { permanent: true },
      findings: { ignore: [{ id: 'SEC402', because: 'the proxy sends it' }] },
    }),
  ],
  providers: [{ provide: APP_GUARD, useClass: AuthGuard }],
})(AppModule);

export function prepare(app) {
  app.setGlobalPrefix('api', { exclude: ['health'] });
  app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
}
