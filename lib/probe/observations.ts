/** What a request pretends, to see whether it is believed. */
export type Forgery = 'scheme' | 'forwarded-proto' | 'forwarded-host' | 'host' | 'port' | 'prefix';

/** A request of the probe. */
export interface Ask {
  readonly scheme: 'http' | 'https';
  readonly method: string;
  /** The path, with the prefix. */
  readonly target: string;
  /** The place of its route in the list of the site; undefined for the first page, which may be no route. */
  readonly route: number | undefined;
  readonly forged?: Forgery;
  /** `Host` among them stands in place of the host of the site. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What was answered. */
export interface Answer {
  readonly status: number;
  /** Every line of the head, its name in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The beginning of the body, of text alone. */
  readonly body: string;
}

/** That nothing was answered, and why: the code of the error, or its message. */
export interface NoAnswer {
  readonly failure: string;
}

/** A request and what came of it. */
export interface Exchange {
  readonly ask: Ask;
  readonly answer: Answer | NoAnswer;
}

/** What a TLS handshake with the site showed; nothing of it was believed. */
export interface Handshake {
  /** Why a client that trusts well-known authorities would hang up: a code of OpenSSL or Node; undefined where it would not. */
  readonly fault: string | undefined;
  /** The certificates that were sent, the site's own first, as PEM. */
  readonly chain: readonly string[];
}

/** Everything that was seen of a site. */
export interface Observed {
  /** When the first question was asked, in milliseconds since 1970. */
  readonly began: number;
  readonly handshake: Handshake | NoAnswer;
  /** Versions of TLS before 1.2 with which a handshake succeeds. */
  readonly oldVersions: readonly string[];
  readonly exchanges: readonly Exchange[];
}

/** An exchange that was answered. */
export interface Answered {
  readonly ask: Ask;
  readonly answer: Answer;
}

/** Whether there was an answer. */
export function isAnswered(exchange: Exchange): exchange is Answered {
  return !('failure' in exchange.answer);
}

/** The values of a header, one for each line. */
export function headerLines({ headers }: Answer, name: string): readonly string[] {
  return headers.filter(([own]) => own === name).map(([, value]) => value);
}

/** The first line of a header. */
export function headerLine(answer: Answer, name: string): string | undefined {
  return headerLines(answer, name)[0];
}

/** What a refusal by nestjs-secure says of itself, in its problem document. */
export function readRefusal({
  body,
}: Answer): { readonly reason: string; readonly finding: string | undefined } | undefined {
  if (!body.startsWith('{')) return undefined;
  try {
    const { reason, finding }: { reason?: unknown; finding?: unknown } = Object(JSON.parse(body));
    if (typeof reason !== 'string') return undefined;
    return { reason, finding: typeof finding === 'string' ? finding : undefined };
  } catch {
    return undefined;
  }
}
