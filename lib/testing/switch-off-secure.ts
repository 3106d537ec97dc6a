import { SECURE_SWITCH } from '../tokens.js';

/** What `Test.createTestingModule()` returns, or anything else whose providers can be overridden. */
export interface OverridableModule {
  overrideProvider(token: string): { useValue(value: { readonly enforcing: boolean }): unknown };
}

/**
 * Switches everything of this package off, for a test that is about something else: decorators, path rules and mode
 * `'all'` let every request through. Options are still validated, and `SecureUrls` still makes https links.
 *
 * To let marked handlers alone run over plain HTTP, with path rules in force, override the guard instead:
 * `overrideProvider(SecureGuard).useValue({ canActivate: () => true })`.
 *
 * @returns the builder it was given
 * @example
 * const module = await switchOffSecure(Test.createTestingModule({ imports: [AppModule] })).compile();
 */
export function switchOffSecure<TModule extends OverridableModule>(builder: TModule): TModule {
  builder.overrideProvider(SECURE_SWITCH).useValue({ enforcing: false });
  return builder;
}
