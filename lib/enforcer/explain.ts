import type { FindingId } from '../findings/catalogue.js';
import type { ProxyOptions } from '../options/secure-options.js';
import { FUNCTION_PEER, type Connection, type Doubt, type Transport } from '../transport/connection.js';
import { isSchemeHeader, strongestHint } from '../transport/doubts.js';
import { findProxyTrace } from '../transport/proxy-trace.js';
import { suggestProxyOptions, plainAddress, formatOptions, type ProxySuggestion } from './suggest-proxy-options.js';

/** What a finding says besides its id. */
export interface Explanation {
  readonly subject: string;
  readonly cause: string;
  readonly fix: string;
}

/** A sign of https that was not believed, explained. */
export interface DoubtExplanation extends Explanation {
  readonly id: FindingId;
  /** What tells it from others: the peer and the header, as far as clients cannot make up any number of them. */
  readonly signature: string;
}

/** A sign of https that was not believed, and what explains it. */
export interface DoubtFinding extends Pick<DoubtExplanation, 'id' | 'subject' | 'signature'> {
  /** Tries options on the request, so it costs more than all that is done to judge one. */
  explain(): Pick<DoubtExplanation, 'cause' | 'fix'>;
}

/** `describeDoubts` with its explanation. */
export function explainDoubts(
  connection: Connection,
  transport: Transport,
  proxies: ProxyOptions | undefined,
): DoubtExplanation | undefined {
  const finding = describeDoubts(connection, transport, proxies);
  if (finding === undefined) return undefined;
  const { id, subject, signature } = finding;
  const { cause, fix } = finding.explain();
  return { id, subject, signature, cause, fix };
}

/**
 * Why a request that shows a sign of https was not believed, and the exact option that declares the proxy. Undefined
 * where it shows none.
 *
 * **Security:** a client may have written the header. So every text says "if it is your proxy".
 */
export function describeDoubts(
  connection: Connection,
  { peer, doubts, via, silent }: Transport,
  proxies: ProxyOptions | undefined,
): DoubtFinding | undefined {
  const doubt = strongestHint(doubts);
  if (silent === true && doubt?.grade !== 'stated') return describeSilence(connection, proxies);
  if (doubt === undefined) return undefined;
  const { header } = doubt;
  const address = describePeer(peer);
  return {
    id: IDS[doubt.reason],
    subject: `${address}, ${header}`,
    signature: `${address}, ${isSchemeHeader(header) || doubt.grade === 'inferred' ? header : 'a header of its own'}`,
    explain: () =>
      TEXTS[doubt.reason](doubt, {
        address,
        suggestion: suggestProxyOptions(connection, doubt, proxies),
        proxies,
        via,
        testAdvice: adviceForTest(connection),
      }),
  };
}

/** What light-my-request, which is behind Fastify's `inject()`, calls itself unless a test says otherwise. */
const INJECTED = 'lightMyRequest';

/**
 * What a test does that has made a request up and states https in a header of proxies; empty for other requests. Serverless
 * bridges make requests up in the same way, so what they need follows it.
 */
export function adviceForTest({ peer, headers }: Connection): string {
  if (peer !== FUNCTION_PEER || headers['user-agent'] !== INJECTED) return '';
  return "In a test, say https by the test kit: import asHttps from 'nestjs-secure/testing' before the application is created, and send app.inject(asHttps({ method: 'GET', url: '/' })). On a serverless platform: ";
}

/** A declared proxy talks TLS to the application and states no scheme. */
function describeSilence(connection: Connection, proxies: ProxyOptions | undefined): DoubtFinding {
  const { peer = 'an unknown peer' } = connection;
  const address = plainAddress(peer);
  return {
    id: 'SEC112',
    subject: `${address}, ${nameOf(proxies)}`,
    signature: address,
    explain: () => explainSilence(connection, proxies, address),
  };
}

function explainSilence(
  connection: Connection,
  proxies: ProxyOptions | undefined,
  address: string,
): ReturnType<DoubtText> {
  const trace = findProxyTrace(connection.headers);
  const direct = proxies === undefined ? undefined : formatOptions({ ...proxies, direct: [address] });
  const only = trace === undefined ? '' : ` (This request carries ${trace}, so a proxy did pass it on.)`;
  return {
    cause: `${address} is a declared proxy and talks TLS to the application, but states no scheme in ${nameOf(proxies)}, so what the client used is not known, and a redirect could come back here.`,
    fix: `${sending(suggestProxyOptions(connection, silenceOf(proxies), proxies))}; or, if clients also connect from there without a proxy, say so: ${direct}.${only}`,
  };
}

function silenceOf(proxies: ProxyOptions | undefined): Doubt {
  return { grade: 'stated', reason: 'other-header', header: nameOf(proxies).toLowerCase() };
}

/** A peer as a sentence names it. */
function describePeer(peer: string | undefined): string {
  if (peer === undefined) return 'an unknown peer';
  return peer === FUNCTION_PEER ? 'the runtime that calls the function' : plainAddress(peer);
}

interface DoubtContext {
  readonly address: string;
  readonly suggestion: ProxySuggestion | undefined;
  readonly proxies: ProxyOptions | undefined;
  /** Who decided that the request is over plain HTTP (see `Transport`). */
  readonly via: string;
  /** What comes first where it is a request of a test. */
  readonly testAdvice: string;
}

type DoubtText = (doubt: Doubt, context: DoubtContext) => Pick<DoubtExplanation, 'cause' | 'fix'>;

const IDS: Record<Doubt['reason'], FindingId> = {
  'untrusted-peer': 'SEC101',
  'other-header': 'SEC102',
  'unusable-statement': 'SEC103',
  'fetch-metadata': 'SEC104',
  'secure-cookie': 'SEC104',
  'forwarded-port': 'SEC104',
};

const TEXTS: Record<Doubt['reason'], DoubtText> = {
  'untrusted-peer': ({ header }, { address, suggestion, testAdvice }) => ({
    cause: `${address} says https in ${header}, but is not a declared proxy, so it was not believed.`,
    fix: `${testAdvice}${fixOf(
      suggestion,
      (setting) => `If it is your proxy, and it overwrites ${header}, declare it: ${formatOptions(setting)}.`,
    )}`,
  }),
  'other-header': ({ header }, { address, suggestion, proxies }) => ({
    cause: `${address} is a declared proxy, but says https in ${header}, and proxies.header reads ${nameOf(proxies)}.`,
    fix: `${sending(suggestion)}${alternative(suggestion, header)}.`,
  }),
  'unusable-statement': ({ header }, { address, suggestion }) => ({
    cause: `${address} sends several values in ${header}, or a malformed one, which cannot be told apart from what a client sent.`,
    fix: `${sending(suggestion)}, overwriting what is there instead of appending to it${alternative(suggestion, header)}. The header must be sent once: in nginx, take out a second proxy_set_header line for it, also in included files.`,
  }),
  'fetch-metadata': explainLoop,
  'secure-cookie': explainLoop,
  'forwarded-port': explainLoop,
};

function explainLoop({ header, reason }: Doubt, { address, suggestion, via }: DoubtContext): ReturnType<DoubtText> {
  const behaviour =
    reason === 'forwarded-port'
      ? `The client used port 443 (${header})`
      : `The browser behaves as it does over https only (${header})`;
  const isCookie = reason === 'secure-cookie';
  const otherCause = isCookie ? ' Or a program, which is no browser, sent that cookie over http.' : '';
  const otherFix = isCookie
    ? ' If a program sent the cookie over http, leave the proxy as it is, and give the program the https address.'
    : '';
  const limit = ` Never state https for a port that serves http.${otherFix}`;
  if (via === 'socket' || via === 'framework') {
    return {
      cause: `${behaviour}, yet the request came over plain HTTP from ${address}: a proxy ends TLS there and does not say so.${otherCause}`,
      fix: `${sending(suggestion)}.${limit}`,
    };
  }
  const more = suggestion?.setting;
  const hops =
    more === undefined ? '' : `; or, if every hop is a proxy of yours, declare them all: ${formatOptions(more)}`;
  return {
    cause: `${behaviour}, yet ${address}, a declared proxy, says http in ${via}: what the one that ends TLS says is lost on the way.${otherCause}`,
    fix: `${sending(suggestion)}, also where it was told so by another proxy${hops}.${limit}`,
  };
}

const NOBODY =
  'The connection was gone before its address could be read, so there is nobody to declare; look for the same finding with an address';

/** The setting that is enough alone, else what the proxy has to send. */
function fixOf(suggestion: ProxySuggestion | undefined, withSetting: (setting: ProxyOptions) => string): string {
  return suggestion?.setting === undefined ? `${sending(suggestion)}.` : withSetting(suggestion.setting);
}

function sending(suggestion: ProxySuggestion | undefined): string {
  if (suggestion === undefined) return NOBODY;
  const { name, value, setting } = suggestion.send;
  const sent = `'${name}: ${value}'`;
  if (setting === undefined) return `Let the proxy send ${sent}`;
  return `If it is your proxy, let it send ${sent}, and declare it: ${formatOptions(setting)}`;
}

function alternative(suggestion: ProxySuggestion | undefined, header: string): string {
  if (suggestion?.setting === undefined) return '';
  return `; or, if it overwrites ${header} whatever a client sends, read that: ${formatOptions(suggestion.setting)}`;
}

function nameOf(proxies: ProxyOptions | undefined): string {
  const header = proxies?.header ?? 'x-forwarded';
  if (typeof header === 'object') return header.name;
  return header === 'x-forwarded' ? 'X-Forwarded-Proto' : 'Forwarded';
}
