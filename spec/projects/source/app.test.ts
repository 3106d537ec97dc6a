import 'reflect-metadata';
import { Test } from '@nestjs/testing';
import { asHttps } from 'nestjs-secure/testing';
import { adapter } from './adapter.js';
import { AppModule } from './app.module.js';
import { check } from './check.js';

describe('the application', () => {
  it('redirects what is marked, and answers it over https', async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    const app = module.createNestApplication(adapter());
    await check(app);
    const headers = new Headers();
    asHttps({ set: (name: string, value: string) => headers.set(name, value) });
    const answer = await fetch(`${await app.getUrl()}/members/ada/edit`, { headers });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    await app.close();
  });
});
