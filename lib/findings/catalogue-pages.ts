import type { FindingId } from './catalogue.js';

/** What a page of the documentation says of a finding, beside its severity and its title. */
export interface FindingPage {
  /** When it is found. */
  readonly found: 'at boot' | 'while it serves';
  /** What it means, and why it matters. */
  readonly means: string;
  /** What to change. */
  readonly fix: string;
  readonly example: {
    /** TypeScript unless it says otherwise. */
    readonly language?: 'http' | 'nginx';
    readonly before: string;
    readonly after: string;
  };
}

/** The pages of the documentation, one for each finding. Written to docs/findings by scripts/write-finding-pages.mjs; not loaded by the module. */
export const PAGES: Readonly<Record<FindingId, FindingPage>> = {
  SEC001: {
    found: 'at boot',
    means:
      'With `httpsSupport: false` marked handlers run for plain-HTTP requests, nothing is redirected or refused, and session cookies leave without `Secure`. That is what development over plain http needs, and nothing else.',
    fix: 'Leave the option out wherever somebody else can reach the application. Let it depend on the environment, as a boolean.',
    example: {
      before: 'SecureModule.forRoot({ httpsSupport: false });',
      after: "SecureModule.forRoot({ httpsSupport: process.env.HTTPS_SUPPORT !== 'false' });",
    },
  },
  SEC002: {
    found: 'while it serves',
    means:
      'A plain-HTTP request had to be redirected, and its `Host` is not one that may stand in a URL of this site. Whoever sends a request writes its `Host`, so a redirect to it would let a stranger choose where it leads. The answer was 400. The finding names the value to add. Without `hosts` only names of this machine for itself are allowed.',
    fix: 'If the host is yours, add it to `hosts`. If probes and old clients ask by address or without a host, fix the host of every redirect with `redirect.host`. If it is not yours, somebody tries hosts: nothing has to be done.',
    example: {
      before: "SecureModule.forRoot({ hosts: ['example.com'] }); // Host: www.example.com is answered 400",
      after: "SecureModule.forRoot({ hosts: ['.example.com'] }); // example.com and everything below it",
    },
  },
  SEC003: {
    found: 'at boot',
    means:
      'Requests for localhost are redirected to `https://localhost`, port 443, and nothing of this application listens there. A browser says "connection refused". It is what a newcomer sees in the first minute.',
    fix: 'Serve both with `listenSecurely`, which tells the redirects its real port; or set `ports.https` to the port of your https server; or declare the proxy that ends TLS.',
    example: {
      before: 'await app.listen(3000);',
      after: 'await listenSecurely(app, { http: 3000, https: 3443, tls: { key, cert } });',
    },
  },
  SEC004: {
    found: 'at boot',
    means:
      '`reportOnly` lets every request through and reports what would have happened. It is meant for the days before https is enforced on a site that runs. Until it goes, marked handlers run over plain HTTP.',
    fix: 'Look at the findings [SEC005](SEC005.md) and mend what they name. Once they are quiet, take `reportOnly` out.',
    example: {
      before: 'SecureModule.forRoot({ reportOnly: true });',
      after: 'SecureModule.forRoot({});',
    },
  },
  SEC005: {
    found: 'while it serves',
    means:
      'With `reportOnly` a plain-HTTP request reached something that requires https. The finding names the route and the answer it would have had: a redirect is harmless for a browser, a refusal (403, 421, 400) would have broken a client.',
    fix: 'Give the client an https address, declare the proxy, or add the host, as the reason says. Then take `reportOnly` out.',
    example: {
      language: 'http',
      before: 'POST http://example.com/members/ada/edit\n# it would have been answered 403 (insecure-secret)',
      after: 'POST https://example.com/members/ada/edit',
    },
  },
  SEC006: {
    found: 'at boot',
    means:
      '`NODE_ENV` is `production`, `httpsSupport` is false, and `allowPlainHttp` says that this is meant. Everything that is marked is served over plain HTTP, with sessions that anybody on the way can take over.',
    fix: 'Take both options out. A proxy that ends TLS is no reason for them: declare it in `proxies`, and its requests count as https.',
    example: {
      before: 'SecureModule.forRoot({ httpsSupport: false, allowPlainHttp: true });',
      after: "SecureModule.forRoot({ hosts: ['example.com'], proxies: { trust: ['10.0.0.0/8'] } });",
    },
  },
  SEC007: {
    found: 'at boot',
    means:
      'The application runs in production, or behind proxies on other machines, and `hosts` allows only names of this machine for itself (localhost and the loopback addresses). A redirect for any other host is answered 400, so a visitor who comes over http never gets to https. Links of `SecureUrls` throw.',
    fix: 'Name the hosts of the site in `hosts`, or fix the host of every redirect with `redirect.host`.',
    example: {
      before: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.0/8'] } });",
      after: "SecureModule.forRoot({ hosts: ['example.com'], proxies: { trust: ['10.0.0.0/8'] } });",
    },
  },
  SEC008: {
    found: 'at boot',
    means:
      "`hosts: ['*']` takes any well-formed `Host` into redirects and links. Whoever can make a cache store an answer, or an application send a mail with a link (a forgotten password), chooses the site that the link leads to.",
    fix: 'Name the hosts. Where their number is not known, fix one with `redirect.host`: a string, not a map.',
    example: {
      before: "SecureModule.forRoot({ hosts: ['*'] });",
      after: "SecureModule.forRoot({ hosts: ['*'], redirect: { host: 'example.com' } });",
    },
  },
  SEC009: {
    found: 'at boot',
    means:
      'Browsers and caches keep a permanent redirect (301, 308) for good, and nothing the site does later takes it back. One that a forged `Host` or a mistake in `ports` has sent the wrong way stays wrong; one of localhost breaks the next project on the same port.',
    fix: 'Fix the host: `redirect.host`, or a single name in `hosts`. Or let redirects be temporary (307), which costs a round trip that HSTS saves anyway.',
    example: {
      before: "SecureModule.forRoot({ hosts: ['.example.com'], redirect: { permanent: true } });",
      after: "SecureModule.forRoot({ hosts: ['.example.com'], redirect: { permanent: true, host: 'example.com' } });",
    },
  },
  SEC010: {
    found: 'at boot',
    means:
      "The gate, which enforces `paths` and `mode: 'all'`, takes its place when the application is made. What was put on an Express or Fastify instance before that instance was handed to the adapter comes first: it sees plain-HTTP requests, and what it answers no rule covers. A session or a body parser there also reads secrets that the gate would have refused.",
    fix: 'Put it on the application once it is made (`app.use`, a Fastify plugin), or in module middleware.',
    example: {
      before: `const server = express();
server.use(session({ secret }));
const app = await NestFactory.create(AppModule, new ExpressAdapter(server));`,
      after: `const app = await NestFactory.create(AppModule, new ExpressAdapter());
app.use(session({ secret }));`,
    },
  },
  SEC011: {
    found: 'at boot',
    means:
      'No route lies under a rule in `paths`. Either it is misspelt, lacks the global prefix, or the routes have moved: then what was meant to require https does not. Or it covers what is not a route, such as static files or middleware: then it is right.',
    fix: 'Write the rule as the paths are, with the global prefix. Where it is right, accept the finding for this one rule.',
    example: {
      before: `app.setGlobalPrefix('api');
SecureModule.forRoot({ paths: ['/admin'] }); // the routes are at /api/admin`,
      after: "SecureModule.forRoot({ paths: ['/api/admin'] });",
    },
  },
  SEC012: {
    found: 'at boot',
    means:
      'No route lies under a rule in `exempt`. It opens nothing that is known, and whatever comes to lie there later is open from the first day.',
    fix: 'Take it out, or write it as the path is, with the global prefix. Where it is meant for static files or middleware, leave it.',
    example: {
      before: "SecureModule.forRoot({ mode: 'all', exempt: ['/health'] }); // the route is at /healthz",
      after: "SecureModule.forRoot({ mode: 'all', exempt: ['/healthz'] });",
    },
  },
  SEC101: {
    found: 'while it serves',
    means:
      'A peer says in a header that the request came over https, and is not a declared proxy. If it is your proxy, it ends TLS, the request looks as if it came over plain HTTP, and a redirect would come back here for ever; so the answer was 421. If it is a client, it tried to pass for secure, and failed.',
    fix: 'If the peer is your proxy, declare its address: the finding names it.',
    example: {
      before: 'SecureModule.forRoot({});',
      after: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.3'] } });",
    },
  },
  SEC102: {
    found: 'while it serves',
    means:
      'A declared proxy says https, but in another header than the one that `proxies.header` reads. The request counts as clear, and was answered 421, for a redirect would never end.',
    fix: 'Set `proxies.header` to the header the proxy sends, or let the proxy send the one that is read. Only one is ever read.',
    example: {
      before: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.3'] } }); // the proxy sends Forwarded",
      after: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.3'], header: 'forwarded' } });",
    },
  },
  SEC103: {
    found: 'while it serves',
    means:
      'A declared proxy sends several values, or a malformed one, and no `X-Forwarded-For` to pair them with. What a client sent cannot be told apart from what the proxy added, so none of it is believed.',
    fix: 'Let the outermost proxy overwrite the header, or let every proxy append to `X-Forwarded-For` as well.',
    example: {
      language: 'nginx',
      before: 'proxy_set_header X-Forwarded-Proto "$http_x_forwarded_proto, $scheme";',
      after: 'proxy_set_header X-Forwarded-Proto $scheme;',
    },
  },
  SEC104: {
    found: 'while it serves',
    means:
      'A browser was redirected to https and was back within seconds, over plain HTTP, with signs that it gives over https only (`Sec-Fetch-*`, a `__Host-` cookie). A proxy ends TLS and says nothing of it. The circle was cut with 421.',
    fix: 'Let the proxy send `X-Forwarded-Proto`, and declare the proxy.',
    example: {
      language: 'nginx',
      before: 'location / {\n  proxy_pass http://127.0.0.1:3000;\n}',
      after:
        "location / {\n  proxy_pass http://127.0.0.1:3000;\n  proxy_set_header X-Forwarded-Proto $scheme;\n}\n# and proxies: { trust: ['loopback'] } in SecureModule.forRoot()",
    },
  },
  SEC105: {
    found: 'while it serves',
    means:
      'A proxy takes a prefix off the path before it hands a request on, and says so in a header. The application knows the rest of the path only, so the `Location` of its redirects lacks the prefix, and leads to a path that outsiders do not have.',
    fix: 'Let the proxy keep the path, and serve the application under it with a global prefix. Or let the proxy itself redirect http to https.',
    example: {
      language: 'nginx',
      before: 'location /society/ {\n  proxy_pass http://127.0.0.1:3000/;\n}',
      after: "location /society/ {\n  proxy_pass http://127.0.0.1:3000;\n}\n# and app.setGlobalPrefix('society')",
    },
  },
  SEC106: {
    found: 'while it serves',
    means:
      'Outsiders came to a port that the options do not name, so the port of https, to which they were redirected, may be wrong as well. A redirect never keeps the http port: `http://h:8080` has no https on 8080.',
    fix: 'Say which ports outsiders use, in `ports`: those of the proxy or the container platform, not those this process listens on.',
    example: {
      before: "SecureModule.forRoot({ hosts: ['example.com'] }); // outsiders use 8080 and 8443",
      after: "SecureModule.forRoot({ hosts: ['example.com'], ports: { http: 8080, https: 8443 } });",
    },
  },
  SEC110: {
    found: 'at boot',
    means:
      'A number of hops declares the direct peer, whatever its address. Whoever reaches the application past the proxy, from the same network or through a port left open, is taken for the proxy and passes for secure with one header.',
    fix: 'Name the proxies by address or range. Where their addresses are not known (some platforms), see to it that nobody else can connect, and accept the finding.',
    example: {
      before: 'SecureModule.forRoot({ proxies: { trust: 1 } });',
      after: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.0/8'] } });",
    },
  },
  SEC111: {
    found: 'at boot',
    means:
      "Everybody's forwarded headers are believed: by the framework's own setting (`trust proxy` on Express, `trustProxy` on Fastify) where no proxies are declared, or by ranges in `proxies.trust` that cover the addresses of strangers. Anybody who sends `X-Forwarded-Proto: https` passes for secure, and marked handlers run for plain-HTTP requests.",
    fix: "Declare the proxies by address. With `proxies` the framework's own setting no longer decides the scheme.",
    example: {
      before: "app.set('trust proxy', true);",
      after: "SecureModule.forRoot({ proxies: { trust: ['10.0.0.0/8'] } });",
    },
  },
  SEC201: {
    found: 'while it serves',
    means:
      'A handler wrote to `req.session` of a plain-HTTP request. Over http a session is neither loaded nor kept: its cookie would be for everybody on the way. What was written is lost; outside production it throws. Django answers this with "enable cookies"; here the finding names the cause: the route is not marked, a proxy is not believed, or `reportOnly` let the request through.',
    fix: 'Mark the handler. Where middleware writes to the session, cover the path with a rule in `paths`, which holds before middleware.',
    example: {
      before: `@Post('basket')
add(@Session() session: Basket) {}`,
      after: `@SecureRequired()
@Post('basket')
add(@Session() session: Basket) {}`,
    },
  },
  SEC202: {
    found: 'while it serves',
    means:
      'A session was begun after the head of the answer had been sent, when its cookie could not be sent any more, or changed after the answer had ended. What was written is lost.',
    fix: 'Write to the session first. A handler that streams saves it before it begins.',
    example: {
      before: `response.write(head);
request.session.seen = true;`,
      after: `request.session.seen = true;
request.session.save();
response.write(head);`,
    },
  },
  SEC210: {
    found: 'while it serves',
    means:
      'Browsers silently drop a cookie that breaks their rules: `SameSite=None` or `Partitioned` without `Secure`, a `__Host-` name with a Domain or another Path, a `__Secure-` name without `Secure`, more than 4096 bytes.',
    fix: 'Do what the finding says for the cookie it names. Large data belongs in the session.',
    example: {
      before: "response.cookie('widget', id, { sameSite: 'none' });",
      after: "response.cookie('widget', id, { sameSite: 'none', secure: true });",
    },
  },
  SEC212: {
    found: 'while it serves',
    means:
      'A request brought several cookies with the name of the session. A page of another host of the same domain, or somebody on the way over http, can plant one. None was believed unless it is signed and known.',
    fix: 'Keep the default name `__Host-sid`, which no other host can set. If two applications share a name and a domain, give each its own.',
    example: {
      before: "SecureModule.forRoot({ session: { secret, name: 'sid', cookie: { domain: 'example.com' } } });",
      after: 'SecureModule.forRoot({ session: { secret } }); // __Host-sid',
    },
  },
  SEC213: {
    found: 'while it serves',
    means:
      'The user of a session changed and its id did not. Whoever knew the id before, because he planted it (session fixation), is now signed in as that user.',
    fix: 'Sign in with `SecureSessions.signIn()`, which gives a new id and ends the old one.',
    example: {
      before: 'request.session.userId = user.id;',
      after: 'await this.sessions.signIn(request, user.id);',
    },
  },
  SEC214: {
    found: 'while it serves',
    means:
      'A session cookie arrived over plain HTTP, so everybody on the way could read it. It was not loaded, and the session was ended where it surely leaked. A browser does not send a cookie with `Secure` over http, so a program sent it, or a cookie of older days without `Secure`.',
    fix: 'Give the client an https address. Old cookies are gone once they expire, or with another `session.name`.',
    example: {
      language: 'http',
      before: 'GET http://example.com/profile\nCookie: __Host-sid=...',
      after: 'GET https://example.com/profile\nCookie: __Host-sid=...',
    },
  },
  SEC215: {
    found: 'while it serves',
    means:
      'An `Authorization` header, or the body of a form or a program, arrived over plain HTTP for something that requires https. It was refused, not redirected: a redirect would hide the leak and send the credential again.',
    fix: 'Take the credential for known: revoke it in `onLeak`. Give the client an https address.',
    example: {
      before: 'SecureModule.forRoot({});',
      after: 'SecureModule.forRoot({ onLeak: (leak, request) => keys.revoke(request.headers.authorization) });',
    },
  },
  SEC220: {
    found: 'while it serves',
    means:
      'The session store did not answer, or failed. Requests with a session are answered 503 meanwhile, never as somebody anonymous; requests without one are served.',
    fix: 'Bring the store back. Nothing has to be restarted here. Watch it as you watch the database.',
    example: {
      before: 'store: new RedisStore({ client }) // and nobody hears what the client says',
      after: "client.on('error', (error) => logger.error(error));",
    },
  },
  SEC221: {
    found: 'at boot',
    means:
      'Sessions are in the memory of one process. A restart signs everybody out, a second process knows none of them, and nothing bounds how many there are. Production refuses to start with it.',
    fix: 'Leave `store` out: the embedded store (lmdb) survives restarts and is shared by the processes of a machine. Past one machine, give a store that machines share.',
    example: {
      before: "SecureModule.forRoot({ session: { secret, store: 'memory' } });",
      after: 'SecureModule.forRoot({ session: { secret } });',
    },
  },
  SEC301: {
    found: 'at boot',
    means:
      'A method overrides one that carries `@SecureRequired()`, and has no mark of its own. Nest loses the metadata of an overridden method; the mark was looked up by name and kept, so https is required. Options of the decorator such as `noStore` are not kept.',
    fix: 'Write the mark on the overriding method, so that the next reader sees it.',
    example: {
      before: `class Members { @SecureRequired() @Get('edit') edit() {} }
class Guests extends Members { @Get('edit') override edit() {} }`,
      after: "class Guests extends Members { @SecureRequired() @Get('edit') override edit() {} }",
    },
  },
  SEC302: {
    found: 'at boot',
    means:
      'A handler says `@SecureExempt()`, and a rule in `paths` covers its path. The rule decides, so the handler is not reachable over http, although its author meant it to be.',
    fix: 'Narrow the rule, add a longer one to `exempt`, or take the decorator away.',
    example: {
      before: "SecureModule.forRoot({ paths: ['/admin'] }); // and @SecureExempt() on GET /admin/ping",
      after: "SecureModule.forRoot({ paths: ['/admin'], exempt: ['/admin/ping'] });",
    },
  },
  SEC303: {
    found: 'at boot',
    means:
      'Unsafe methods are redirected with 301, 302 or 303. A client follows these with GET, so the body of a POST is lost, and the sender sees a page in place of an error.',
    fix: "Use 307 or 308 for unsafe methods. Better, leave `onInsecure` at `'auto'`, which refuses them: a redirect hides that a secret has leaked.",
    example: {
      before: "SecureModule.forRoot({ onInsecure: 'redirect', redirect: { status: 302 } });",
      after: "SecureModule.forRoot({ onInsecure: 'redirect', redirect: { status: { safe: 302, unsafe: 307 } } });",
    },
  },
  SEC304: {
    found: 'at boot',
    means:
      "In mode `'all'` the gate answers what no exempt handler can match. An exempt handler whose path begins with a parameter matches nearly everything, so static files and middleware under such paths are open as well.",
    fix: 'Give the handler a path that begins with a name of its own, or cover what must be https with a rule in `paths`.',
    example: {
      before: `@SecureExempt()
@Get(':slug')
show() {}`,
      after: `@SecureExempt()
@Get('pages/:slug')
show() {}`,
    },
  },
  SEC305: {
    found: 'at boot',
    means:
      'GET of a path requires https, and what is sent to the same path (POST, PUT, PATCH, DELETE) does not. The form is protected, and what is typed into it is taken over plain HTTP from whoever sends it there: an old bookmarklet, a program, a page that somebody changed on the way.',
    fix: 'Mark both, or the class.',
    example: {
      before: `@SecureRequired() @Get(':slug/edit') edit() {}
@Post(':slug/edit') save() {}`,
      after: `@SecureRequired() @Get(':slug/edit') edit() {}
@SecureRequired() @Post(':slug/edit') save() {}`,
    },
  },
  SEC306: {
    found: 'at boot',
    means:
      'Some handlers of a class carry `@SecureRequired()`, others nothing. That is right where one page is private and the next public, and it is how a new handler is forgotten.',
    fix: 'Where most of the class is private, mark the class and exempt what is public: then what is forgotten is safe. Otherwise nothing has to be done.',
    example: {
      before: `@Controller('orders')
class Orders {
  @SecureRequired() @Get() list() {}
  @Get('export') export() {}
}`,
      after: `@SecureRequired()
@Controller('orders')
class Orders {
  @Get() list() {}
  @Get('export') export() {}
}`,
    },
  },
  SEC307: {
    found: 'at boot',
    means:
      'A handler of a marked class carries `@SecureExempt()`. It answers over http, and what it says can be read and changed on the way. This is for the reader of an audit: each of them is a decision.',
    fix: 'Nothing, where the page is for everybody. Otherwise take the decorator away.',
    example: {
      before: "@SecureExempt() @Get('balance') balance() {}",
      after: "@Get('balance') balance() {}",
    },
  },
  SEC310: {
    found: 'at boot',
    means:
      'A handler takes a password, as far as its parameters, the class of its body, or its text show, or its page asks for one, and nothing requires https of it. The password crosses the network for everybody to read. A page that asks for one must be https too, or somebody on the way changes where its form leads.',
    fix: 'Mark the handler, and the page with the form. Where the sign misleads, accept the finding for this one handler.',
    example: {
      before: `@Post('login')
logIn(@Body('password') password: string) {}`,
      after: `@SecureRequired()
@Post('login')
logIn(@Body('password') password: string) {}`,
    },
  },
  SEC311: {
    found: 'at boot',
    means:
      'A handler takes a token, a key or a one-time code (`token`, `apiKey`, `otp`, the header Authorization ...), and nothing requires https of it. Whoever reads it on the way can use it.',
    fix: 'Mark the handler. Where the token is no secret, accept the finding for this one handler.',
    example: {
      before: `@Get('confirm')
confirm(@Query('token') token: string) {}`,
      after: `@SecureRequired()
@Get('confirm')
confirm(@Query('token') token: string) {}`,
    },
  },
  SEC312: {
    found: 'at boot',
    means:
      'A handler takes an uploaded file, and nothing requires https of it. Files are what people least like to share.',
    fix: 'Mark the handler.',
    example: {
      before: `@Post('documents')
@UseInterceptors(FileInterceptor('document'))
keep(@UploadedFile() document: Express.Multer.File) {}`,
      after: `@SecureRequired()
@Post('documents')
@UseInterceptors(FileInterceptor('document'))
keep(@UploadedFile() document: Express.Multer.File) {}`,
    },
  },
  SEC313: {
    found: 'at boot',
    means:
      'A handler sets a cookie, and nothing requires https of it. Over http the cookie goes out over plain HTTP, is sent back over plain HTTP, and browsers do not take one with `Secure`.',
    fix: 'Mark the handler. A cookie that is for everybody to know, such as a language, may be accepted.',
    example: {
      before: `@Post('remember')
remember(@Res({ passthrough: true }) response: Response) {
  response.cookie('who', id);
}`,
      after: `@SecureRequired()
@Post('remember')
remember(@Res({ passthrough: true }) response: Response) {
  response.cookie('who', id, { secure: true, httpOnly: true });
}`,
    },
  },
  SEC314: {
    found: 'at boot',
    means:
      'A handler uses the session, and nothing requires https of it. Over http there is no session: what it reads is empty, and what it writes is lost ([SEC201](SEC201.md)). With a session engine of your own it is worse: the cookie of the session goes over plain HTTP.',
    fix: 'Mark the handler.',
    example: {
      before: `@Get('basket')
show(@Session() session: Basket) {}`,
      after: `@SecureRequired()
@Get('basket')
show(@Session() session: Basket) {}`,
    },
  },
  SEC315: {
    found: 'at boot',
    means:
      'A handler stands behind a guard that, by its name, asks who somebody is or what he may do, and nothing requires https of it. Everything that a signed-in user sees belongs on https: his credential comes with each request. A global guard is one finding for all that it guards; handlers that a decorator such as `@Public()` lets everybody reach are not counted.',
    fix: "Mark the handler or its class, beside the guard. Where a global guard protects the whole application, use `mode: 'all'` and exempt what is for everybody.",
    example: {
      before: `@UseGuards(SignedInGuard)
@Get('profile')
show() {}`,
      after: `@SecureRequired()
@UseGuards(SignedInGuard)
@Get('profile')
show() {}`,
    },
  },
  SEC316: {
    found: 'at boot',
    means:
      'A handler is called, or its path is, as one that signs somebody in or out or deals with a password (`login`, `sign-up`, `forgot-password` ...), and nothing requires https of it. It is the weakest of the signs, and reported only where there is no other.',
    fix: 'Mark the handler. Where the name misleads, accept the finding for this one handler.',
    example: {
      before: "@Get('login') showLogin() {}",
      after: "@SecureRequired() @Get('login') showLogin() {}",
    },
  },
  SEC317: {
    found: 'at boot',
    means:
      'A handler that is exempt from https, by `@SecureExempt()` or by a rule in `exempt`, takes a password, a token or a file, sets a cookie, uses the session, or stands behind an authentication guard. Somebody has opened on purpose what must be closed.',
    fix: 'Take the exemption away. Where a part of it is for everybody, make that a handler of its own.',
    example: {
      before: "@SecureExempt() @Post('login') logIn(@Body() form: Credentials) {}",
      after: "@Post('login') logIn(@Body() form: Credentials) {}",
    },
  },
  SEC320: {
    found: 'at boot',
    means:
      '`@SecureRequired()` is on a handler of a microservice (`@MessagePattern`, `@EventPattern`). Messages come over a transport that is not http, and nothing tells there whether one came over plain HTTP. The handler runs either way.',
    fix: 'Encrypt the transport where it is configured, then take the mark away or accept the finding.',
    example: {
      before: "app.connectMicroservice({ transport: Transport.REDIS, options: { host: 'redis.internal' } });",
      after: "app.connectMicroservice({ transport: Transport.REDIS, options: { host: 'redis.internal', tls: {} } });",
    },
  },
  SEC401: {
    found: 'at boot',
    means:
      'HSTS is on, and some pages of the same hosts are exempt. A browser that has seen the header asks for everything over https, the exempt pages too. That is harmless where they work over https as well, and where only probes ask for them.',
    fix: 'Nothing, if every page works over https. Otherwise take HSTS back with `maxAge: 0`: leaving the option out would not make browsers forget it.',
    example: {
      before: 'SecureModule.forRoot({ hsts: { maxAge: 31536000 } }); // and @SecureExempt() on a page for old devices',
      after: 'SecureModule.forRoot({ hsts: { maxAge: 0 } });',
    },
  },
  SEC402: {
    found: 'at boot',
    means:
      'In production no HSTS is sent, and no page is meant for http. Whoever types the address begins over http, and somebody on the way can answer in place of the redirect and keep him there. HSTS closes that gap after the first visit.',
    fix: 'Set `hsts`. Where a proxy sends the header, say `hsts: false`, which is an answer too.',
    example: {
      before: "SecureModule.forRoot({ hosts: ['example.com'] });",
      after: "SecureModule.forRoot({ hosts: ['example.com'], hsts: { maxAge: 31536000 } });",
    },
  },
  SEC403: {
    found: 'at boot',
    means:
      'HSTS lasts less than half a year. A browser forgets it between two visits, and the next begins over http again. Scanners count it as missing. A short time is right while it is tried out.',
    fix: 'Raise `maxAge` step by step, in seconds: a day, a month, a year.',
    example: {
      before: 'SecureModule.forRoot({ hsts: { maxAge: 3600 } });',
      after: 'SecureModule.forRoot({ hsts: { maxAge: 31536000 } });',
    },
  },
  SEC404: {
    found: 'at boot',
    means:
      '`hsts.preload` asks browsers to build the site into their lists, for years. The lists want every page redirected to https, and a browser that has the list never asks over http again: a page that answers over http only is gone for its users. Some page here answers over http. (`preload` without a year of `maxAge` or without `includeSubDomains` is a boot error.)',
    fix: "Use `mode: 'all'` and exempt nothing, or take `preload` out.",
    example: {
      before: 'SecureModule.forRoot({ hsts: { maxAge: 31536000, includeSubDomains: true, preload: true } });',
      after:
        "SecureModule.forRoot({ mode: 'all', hsts: { maxAge: 31536000, includeSubDomains: true, preload: true } });",
    },
  },
};
