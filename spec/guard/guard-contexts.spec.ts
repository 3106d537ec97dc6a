import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { SecureRequired } from 'nestjs-secure';
import { Findings } from '../../lib/findings/findings.js';
import { Enforcer } from '../../lib/enforcer/enforcer.js';
import { SecureGuard } from '../../lib/guard/secure.guard.js';
import { compileSettings } from '../../lib/settings/settings.js';

class Handlers {
  @SecureRequired({ noStore: true })
  marked(): void {}
}

/** Whether the handler runs; false and an exception both keep it from that. */
function runs(type: string, enforcing: boolean): boolean {
  const findings = new Findings(new Set(), () => undefined);
  const guard = new SecureGuard(new Enforcer(compileSettings({ httpsSupport: enforcing }), findings, enforcing));
  const context = new ExecutionContextHost([{}, {}, {}, {}], Handlers, Handlers.prototype.marked);
  context.setType(type);
  try {
    return guard.canActivate(context) === true;
  } catch {
    return false;
  }
}

describe.each(['ws', 'graphql'])('the guard in a context of type %s whose request cannot be found', (type) => {
  it('lets a marked handler run where nothing is enforced, also one that asks for noStore', () => {
    expect(runs(type, false)).toBe(true);
  });

  it('refuses it where https is enforced', () => {
    expect(runs(type, true)).toBe(false);
  });
});
