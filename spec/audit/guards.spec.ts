import { mixin, type Type } from '@nestjs/common';
import { judgeGuard } from '../../lib/audit/guards.js';

/** A class that a minifier has renamed, with its name put back. */
function minified(name: string): Type {
  const type = class e {};
  Object.defineProperty(type, 'name', { value: name });
  return type;
}

function AuthGuard(): Type {
  class MixinAuthGuard {}
  return mixin(MixinAuthGuard);
}

function RoleGuard(): Type {
  class RoleGuardMixin {}
  return mixin(RoleGuardMixin);
}

class RolesGuard extends AuthGuard() {}
class JwtAuthGuard extends AuthGuard() {}

describe('a guard', () => {
  it.each<[string, Type, string | undefined, boolean | undefined]>([
    ['is what its name says, whatever a minifier has made of its text', minified('RolesGuard'), 'RolesGuard', true],
    ['asks who somebody is by a name that was put back', minified('JwtAuthGuard'), 'JwtAuthGuard', false],
    ['asks nobody, by such a name', minified('LogGuard'), undefined, undefined],
    ['of roles asks who somebody is where it extends one that does', RolesGuard, 'RolesGuard', false],
    ['that mixin() made is named by its text', AuthGuard(), 'AuthGuard', false],
    ['that mixin() made for a role asks for that role', RoleGuard(), 'RoleGuard', false],
    ['that extends one of them has its own name', JwtAuthGuard, 'JwtAuthGuard', false],
  ])('%s', (_fact, guard, name, byRole) => {
    const judged = judgeGuard(guard);
    expect([judged?.name, judged?.byRole]).toEqual([name, byRole]);
  });
});
