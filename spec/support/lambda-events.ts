/** What a function is asked for. */
export interface LambdaAsk {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** What the platform says of the client's scheme; null where it says nothing. */
  readonly scheme?: 'http' | 'https' | null;
  readonly visitor?: string;
}

/** An event as the platform sends it, reduced to what bridges read. */
export type LambdaEvent = Record<string, unknown>;

const EDGE = '64.252.187.73';

function headersFor({ scheme = 'https', visitor = '203.0.113.7', headers, body }: LambdaAsk): Record<string, string> {
  return {
    host: 'shop.example',
    'user-agent': 'curl/8.7.1',
    'x-amzn-trace-id': 'Root=1-6923f7c8-5f1f3d6e2a7b4c9d8e0f1a2b',
    'x-forwarded-for': visitor,
    ...(scheme === null ? {} : { 'x-forwarded-port': scheme === 'https' ? '443' : '80', 'x-forwarded-proto': scheme }),
    ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...headers,
  };
}

/** API Gateway, REST API (payload format 1.0). Its edge appends to X-Forwarded-For what it was connected from. */
export function restApiEvent(ask: LambdaAsk): LambdaEvent {
  const { method = 'GET', path, body, visitor = '203.0.113.7' } = ask;
  const headers = headersFor({ ...ask, visitor: `${EDGE}, ${visitor}` });
  return {
    resource: '/{proxy+}',
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]])),
    queryStringParameters: null,
    multiValueQueryStringParameters: null,
    pathParameters: { proxy: path.slice(1) },
    stageVariables: null,
    requestContext: {
      accountId: '123456789012',
      apiId: 'a1b2c3d4e5',
      domainName: 'shop.example',
      httpMethod: method,
      identity: { sourceIp: visitor, userAgent: 'curl/8.7.1' },
      path: `/prod${path}`,
      protocol: 'HTTP/1.1',
      requestId: 'c6af9ac6-7b61-11e6-9a41-93e8deadbeef',
      resourcePath: '/{proxy+}',
      stage: 'prod',
    },
    body: body ?? null,
    isBase64Encoded: false,
  };
}

/** API Gateway, HTTP API (payload format 2.0). */
export function httpApiEvent(ask: LambdaAsk): LambdaEvent {
  return payloadTwo(ask, 'a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com');
}

/** A function URL: payload format 2.0 too. */
export function functionUrlEvent(ask: LambdaAsk): LambdaEvent {
  return payloadTwo(ask, 'abcdefghijklmnopqrstuvwxyz012345.lambda-url.eu-central-1.on.aws');
}

function payloadTwo(ask: LambdaAsk, domainName: string): LambdaEvent {
  const { method = 'GET', path, body, visitor = '203.0.113.7' } = ask;
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: path,
    rawQueryString: '',
    headers: headersFor(ask),
    requestContext: {
      accountId: '123456789012',
      apiId: domainName.split('.')[0],
      domainName,
      http: { method, path, protocol: 'HTTP/1.1', sourceIp: visitor, userAgent: 'curl/8.7.1' },
      requestId: 'JKJaXmPLvHcESHA=',
      routeKey: '$default',
      stage: '$default',
      time: '10/Nov/2026:12:00:00 +0000',
      timeEpoch: 1_794_312_000_000,
    },
    body: body ?? '',
    isBase64Encoded: false,
  };
}

/** An application load balancer, which listens for http as well as https. */
export function loadBalancerEvent(ask: LambdaAsk): LambdaEvent {
  const { method = 'GET', path, body } = ask;
  return {
    requestContext: {
      elb: {
        targetGroupArn: 'arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop/0123456789abcdef',
      },
    },
    httpMethod: method,
    path,
    queryStringParameters: {},
    headers: headersFor(ask),
    body: body ?? '',
    isBase64Encoded: false,
  };
}
