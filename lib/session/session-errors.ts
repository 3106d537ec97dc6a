import { ConflictException, ForbiddenException, ServiceUnavailableException } from '@nestjs/common';

/** A handler put something into the session that JSON cannot say. */
export class UnstorableSessionError extends TypeError {
  override readonly name = 'UnstorableSessionError';
}

/** The user has as many sessions as `perUser` allows. */
export class TooManySessionsError extends ForbiddenException {
  override readonly name = 'TooManySessionsError';
}

/** The session was given another id while this request was on its way, so what it writes is not stored. */
export class MovedSessionError extends ConflictException {
  override readonly name = 'MovedSessionError';
}

/** A store has no way to do what it was asked. */
export class UnsupportedByStoreError extends Error {
  override readonly name = 'UnsupportedByStoreError';
}

/** What a handler is thrown where the store fails. */
export function unavailable(cause: unknown): ServiceUnavailableException {
  return new ServiceUnavailableException('Sessions cannot be reached at the moment.', { cause });
}

/** Runs the serialisation of a session. What it throws is the handler's mistake and not the store's. */
export function toContent(serialise: () => string): string {
  try {
    return serialise();
  } catch (error) {
    throw new UnstorableSessionError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
