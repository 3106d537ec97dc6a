import { applyDecorators, UseFilters } from '@nestjs/common';
import type { Duration } from '../options/duration.js';
import type { SecureRequiredOptions } from '../options/secure-options.js';
import { validateRecentSignIn, validateRequiredOptions } from '../settings/validate.js';
import type { Mark } from '../options/mark-types.js';
import { markClass, markMethod } from '../platform/marks.js';
import { boundFilters, SecureExceptionFilter } from './secure-exception.filter.js';

/**
 * Makes a handler, or every handler of a class, reachable over https only: a plain-HTTP request is redirected or refused,
 * and the handler does not run. `options` narrow those of the module: handler over class over module.
 *
 * Write `@SecureRequired()` beside `@Get('edit')`, or above `@Controller('members')` for all its handlers.
 *
 * @throws SecureOptionsError when an option is wrong, Error when the target carries `@SecureExempt()` too.
 */
export function SecureRequired(options: SecureRequiredOptions = {}): ClassDecorator & MethodDecorator {
  return applyDecorators(
    mark((name) => ({ level: 'required', options: validateRequiredOptions(options, name) })),
    bindFilter,
  );
}

/**
 * Runs a handler, or every handler of a class, only where the user signed in, or confirmed who they are, within that time
 * (`SecureSessions.signIn`, `.confirm`). Implies `@SecureRequired()`. A page is sent to `session.signInPath` with 303,
 * a program is answered 401 with the reason `sign-in-too-old`, a message or an operation with an error of its protocol.
 *
 * Write `@RecentSignIn('10 minutes')` above `@Post('delete')`, or above `@Controller('account')` for all handlers.
 *
 * @param within a number with a unit, such as `'10 minutes'` or `'1h'`, or milliseconds from 60000 on.
 * @throws SecureOptionsError when it is no duration, Error when the target carries `@SecureExempt()` too. The boot fails
 * without sessions.
 *
 * **Security:** a sign-in by Passport's `logIn` has no time and is refused: call `SecureSessions.confirm` after it.
 */
export function RecentSignIn(within: Duration): ClassDecorator & MethodDecorator {
  return applyDecorators(
    mark((name) => ({ level: 'required', options: {}, recentSignIn: validateRecentSignIn(within, name) })),
    bindFilter,
  );
}

/**
 * Makes a handler, or every handler of a class, reachable over http although its class or the mode requires https. A `paths`
 * rule still covers it.
 *
 * Write `@SecureExempt()` beside `@Get('healthz')`, or above `@Controller('status')` for all its handlers.
 *
 * **Security:** anyone on the network path can read what it receives and sends: no login, no session, no personal page.
 *
 * @throws Error when the target carries `@SecureRequired()` too.
 */
export function SecureExempt(): ClassDecorator & MethodDecorator {
  return mark(() => ({ level: 'exempt' }));
}

function mark(markFor: (name: string) => Mark): ClassDecorator & MethodDecorator {
  return function markTarget(target: object, key?: string | symbol, descriptor?: PropertyDescriptor): void {
    const owner = typeof target === 'function' ? target.name : target.constructor.name;
    const name = key === undefined ? owner : `${owner}.${String(key)}`;
    const marked: unknown = descriptor === undefined ? target : descriptor.value;
    if (typeof marked !== 'function' || (key === undefined) !== (descriptor === undefined)) {
      throw new TypeError(`${name} is neither a class nor a method, so it cannot carry a decorator of nestjs-secure.`);
    }
    if (key !== undefined && typeof target === 'function') {
      throw new TypeError(
        `${name} is a static method, which is called for no request, so it cannot carry a decorator of nestjs-secure. Put the decorator on the method that has the route.`,
      );
    }
    if (key === undefined) markClass(markFor(name), marked, name);
    else markMethod(markFor(name), target, key, marked, name);
  };
}

/**
 * Binds the filter to the class, also for a marked method: a class that overrides the method inherits the filter with the
 * mark, and an application's own filter on the controller comes before it.
 */
function bindFilter(target: object): void {
  const owner = typeof target === 'function' ? target : target.constructor;
  // Nest gives each handler all that is bound to its class: a filter that is bound for each of 50 handlers is there 2,500 times.
  if (!boundFilters(owner).includes(SecureExceptionFilter)) UseFilters(SecureExceptionFilter)(owner);
}
