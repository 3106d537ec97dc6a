/**
 * Fails the boot of an application that marks handlers and enforces nothing. Asked in `onModuleInit`, so that a unit
 * test which only compiles a marked controller still works.
 *
 * @throws Error that names the fix, where `SecureModule` provides no enforcer.
 */
export function assertModuleImported(enforcer: unknown): void {
  if (enforcer !== undefined) return;
  throw new Error(
    'A handler is marked with @SecureRequired(), but SecureModule is not imported, so it would run over plain HTTP. ' +
      'Add SecureModule.forRoot() to the imports of your root module. ' +
      'In a test of one controller, write switchOffSecure(Test.createTestingModule({ imports: [SecureModule.forRoot()], controllers: [...] })), ' +
      'with switchOffSecure of nestjs-secure/testing.',
  );
}
