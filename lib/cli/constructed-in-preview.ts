import type { ModulesContainer } from '@nestjs/core';
import type { Unlisted } from '../policy/route-table.js';

/** Nest's own, which runs nothing of the application. */
const OWN = new Set(['InternalCoreModule', 'RouterModule']);

/**
 * The modules that Nest constructs even in a preview, because they ask for it in `InitializeOnPreviewAllowlist`, as
 * GraphQLModule does. Nest runs their factories, with dependencies that are not constructed, so a factory may throw; then
 * they are left out. Nest asks the list while it scans modules and nowhere else, so the answer is given for them there.
 */
export class ConstructedInPreview {
  private readonly modules = new Set<unknown>();
  private failure: unknown;
  private leftOut = false;

  constructor(private readonly core: typeof import('@nestjs/core')) {}

  /** Runs what creates an application, and notes which modules are constructed. */
  async during<T>(create: () => Promise<T>): Promise<T> {
    const { InitializeOnPreviewAllowlist: list, RouterModule } = this.core;
    const { has } = list;
    // RouterModule tells the paths.
    list.has = (type) => {
      if (type === RouterModule) return true;
      if (!has.call(list, type)) return false;
      if (OWN.has(type.name)) return true;
      this.modules.add(type);
      return !this.leftOut;
    };
    try {
      return await create();
    } finally {
      list.has = has;
    }
  }

  /** From here on they are not constructed. False where there are none, so that nothing would be different. */
  leaveOut(failure: unknown): boolean {
    this.failure = failure;
    this.leftOut = this.modules.size > 0;
    return this.leftOut;
  }

  /** What a reader of a preview has to know of them. */
  unknown(modules: ModulesContainer): readonly Unlisted[] {
    const constructed = [...modules.values()].filter(({ metatype }) => this.modules.has(metatype));
    const withFactories = constructed.map((module) => ({ subject: module.name, factories: factoriesOf(module) }));
    const running = withFactories.filter(({ factories }) => factories.length > 0);
    if (!this.leftOut) {
      return running.map(({ subject, factories }) => ({
        subject,
        cause: `Nest constructs it even in a preview and runs its factory for ${factories.join(' and ')}, with dependencies that are not constructed. --full knows what it makes.`,
      }));
    }
    return (running.length > 0 ? running : withFactories).map(({ subject, factories }) => {
      const ran = factories.length === 0 ? '' : ` and runs its factory for ${factories.join(' and ')}`;
      return {
        subject,
        cause: `Nest constructs it even in a preview${ran}, which failed: ${messageOf(this.failure)} It was left out, so what it registers, such as its own route, and its options are unknown. --full knows them.`,
      };
    });
  }
}

type ModuleOfApplication = ModulesContainer extends Map<string, infer M> ? M : never;

/** What the factories of a module make, by name. */
function factoriesOf({ providers }: ModuleOfApplication): readonly string[] {
  return [...providers.values()]
    .filter(({ inject, isAlias, metatype }) => Array.isArray(inject) && !isAlias && metatype !== null)
    .map(({ token }) => nameOf(token));
}

function nameOf(token: unknown): string {
  if (typeof token === 'function') return token.name;
  return typeof token === 'symbol' ? (token.description ?? 'a symbol') : String(token);
}

/** Of what was thrown first: the message of a LoadFailure has it in its second line. */
function messageOf(failure: unknown): string {
  const cause = failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure;
  const text = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
