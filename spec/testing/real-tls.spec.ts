import { jest } from '@jest/globals';
import { get } from 'node:https';
import { get as getOverHttp, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { asHttps, listenWithThrowAwayCertificate } from 'nestjs-secure/testing';
import request from 'supertest';
import { createSite, platforms, type Seen } from '../support/testing-site.js';

function getOverTls(url: string, options: { ca?: string } = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => get(url, { ...options, agent: false }, resolve).on('error', reject));
}

function getPlainly(url: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => getOverHttp(url, { agent: false }, resolve).on('error', reject));
}

describe.each(platforms)('listenWithThrowAwayCertificate on %s', (platform) => {
  it('serves a marked handler over real TLS to a client that trusts its certificate', async () => {
    const { https, ca } = await listenWithThrowAwayCertificate(await createSite(platform));
    for (const name of ['127.0.0.1', 'localhost']) {
      const response = await getOverTls(`${https.replace('127.0.0.1', name)}/marked`, { ca });
      expect(response.statusCode).toBe(200);
      expect((await json(response)) as Seen).toMatchObject({ secure: true, protocol: 'https' });
    }
  });

  it('is trusted by nobody else', async () => {
    const { https } = await listenWithThrowAwayCertificate(await createSite(platform));
    await expect(getOverTls(`${https}/marked`)).rejects.toThrow('self-signed certificate');
  });

  it('redirects what comes to the http port to the https port', async () => {
    const { http, https } = await listenWithThrowAwayCertificate(await createSite(platform));
    const response = await getPlainly(`${http}/marked?page=2`);
    expect(response.statusCode).toBe(307);
    expect(response.headers.location).toBe(`${https}/marked?page=2`);
    response.resume();
  });

  it('leaves asHttps at work on the http port', async () => {
    const { http } = await listenWithThrowAwayCertificate(await createSite(platform));
    await asHttps(request(http).get('/marked')).expect(200);
  });

  it('is closed by app.close()', async () => {
    const app = await createSite(platform);
    const { http, https, ca } = await listenWithThrowAwayCertificate(app);
    await app.close();
    await expect(getPlainly(`${http}/open`)).rejects.toThrow('ECONNREFUSED');
    await expect(getOverTls(`${https}/open`, { ca })).rejects.toThrow('ECONNREFUSED');
  });

  it('makes another certificate each time', async () => {
    const first = await listenWithThrowAwayCertificate(await createSite(platform));
    const second = await listenWithThrowAwayCertificate(await createSite(platform));
    expect(first.ca).not.toBe(second.ca);
    await expect(getOverTls(`${second.https}/marked`, { ca: first.ca })).rejects.toThrow('self-signed certificate');
  });
});

describe('listenWithThrowAwayCertificate without the package selfsigned', () => {
  it('says how to install it', async () => {
    jest.resetModules();
    jest.unstable_mockModule('selfsigned', () => {
      throw new Error("Cannot find package 'selfsigned'");
    });
    const kit = await import('nestjs-secure/testing');
    const app = await createSite('Express');
    await expect(kit.listenWithThrowAwayCertificate(app)).rejects.toThrow('npm install --save-dev selfsigned');
  });
});
