import type { ProxyOptions } from '../../lib/options/secure-options.js';
import { compileTransport } from '../../lib/transport/transport.js';
import { connect, type HeaderLines } from '../support/connection.js';

const trust = ['127.0.0.1', '10.0.0.0/8'];

/** Each way to name the nodes, nearest last. */
const chains: [ProxyOptions['header'], (nodes: string[]) => HeaderLines][] = [
  ['x-forwarded', (nodes) => ({ 'X-Forwarded-For': nodes.join(', ') })],
  [{ name: 'X-Scheme', value: 'https' }, (nodes) => ({ 'X-Forwarded-For': nodes.join(',') })],
  ['forwarded', (nodes) => ({ Forwarded: nodes.map((node) => `for="${node.replaceAll('"', '')}"`).join(', ') })],
];

describe.each(chains)('the addresses of a request, with %j', (header, write) => {
  it.each<[string, ProxyOptions['trust'], string | undefined, string[], string[]]>([
    ['the direct peer where no proxy is declared', trust, '192.0.2.1', ['203.0.113.1'], ['192.0.2.1']],
    ['the client that the proxy names', trust, '127.0.0.1', ['203.0.113.1'], ['127.0.0.1', '203.0.113.1']],
    ['the last that no proxy wrote', trust, '127.0.0.1', ['6.6.6.6', '203.0.113.1'], ['127.0.0.1', '203.0.113.1']],
    [
      'through every declared proxy',
      trust,
      '127.0.0.1',
      ['6.6.6.6', '203.0.113.1', '10.0.0.1', '10.0.0.2'],
      ['127.0.0.1', '10.0.0.2', '10.0.0.1', '203.0.113.1'],
    ],
    [
      'all of them where each is a declared proxy',
      trust,
      '127.0.0.1',
      ['10.0.0.1', '10.0.0.2'],
      ['127.0.0.1', '10.0.0.2', '10.0.0.1'],
    ],
    [
      'as far as a number of hops',
      2,
      '127.0.0.1',
      ['6.6.6.6', '203.0.113.1', '10.0.0.1'],
      ['127.0.0.1', '10.0.0.1', '203.0.113.1'],
    ],
    ['without a port', trust, '127.0.0.1', ['203.0.113.1:4711'], ['127.0.0.1', '203.0.113.1']],
    ['without quotes', trust, '127.0.0.1', ['"203.0.113.1"'], ['127.0.0.1', '203.0.113.1']],
    ['without brackets', trust, '127.0.0.1', ['[2001:db8::1]:4711'], ['127.0.0.1', '2001:db8::1']],
    ['without a node that is no address', trust, '127.0.0.1', ['203.0.113.1', 'unknown'], ['127.0.0.1']],
    ['without the peer where it has none', ['unix'], 'unix', ['203.0.113.1'], ['203.0.113.1']],
    [
      'the peer on a link, as Node writes it',
      ['linklocal'],
      'fe80::1%eth0',
      ['203.0.113.1'],
      ['fe80::1%eth0', '203.0.113.1'],
    ],
    ['none where nothing is known', trust, undefined, ['203.0.113.1'], []],
  ])('%s', (_what, trusted, peer, nodes, addresses) => {
    const transport = compileTransport({ trust: trusted, header });
    expect(transport.read(connect(write(nodes), { peer })).addresses).toStrictEqual(addresses);
  });

  it('the proxy alone where it names nobody', () => {
    expect(compileTransport({ trust, header }).read(connect()).addresses).toEqual(['127.0.0.1']);
  });
});

it('are not asked for without proxies', () => {
  expect(compileTransport(undefined).read(connect({ 'X-Forwarded-For': '203.0.113.1' })).addresses).toBeUndefined();
});
