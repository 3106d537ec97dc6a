import type { Route } from '../policy/route-table.js';
import { codeFacts } from '../audit/handler-parameters.js';

/** What a handler does that changes something, as the first word of its name or as a segment of its path. */
const WRITING = new Set(
  (
    'accept activate add apply approve archive assign ban block book buy callback cancel charge checkout claim clear ' +
    'close commit complete confirm consume copy create deactivate decline delete deploy destroy disable drop enable ' +
    'execute finish flush follow grant import increment insert invalidate invite join kick leave like lock logoff logout ' +
    'mark migrate move notify pay post publish purge push rebuild redeem refresh register reject release remove rename ' +
    'renew reorder reset resend restart restore retry revert revoke rotate run save seed send set signoff signout start ' +
    'stop store submit subscribe switch sync toggle transfer trigger unblock undo unfollow unlock unpublish unsubscribe ' +
    'update upgrade upload upsert verify vote withdraw'
  ).split(' '),
);

/** Calls that change something, whatever they are called on. */
const WRITING_CALL =
  /^(?:save|insert|update|upsert|delete|remove|destroy|signIn|signOut|regenerate|revoke|revokeAll)(?:One|Many|All|ById)?$/;

/**
 * Why a handler of GET may change something, in words, as far as its name, its path and its code show; undefined where
 * they show nothing.
 */
export function writingSign({
  path,
  controller,
  handler,
}: Pick<Route, 'path' | 'controller' | 'handler'>): string | undefined {
  const segment = path.split('/').find((part) => !/[:*{}]/.test(part) && isWriting(wordsIn(part)));
  if (segment !== undefined) return `its path has '${segment}'`;
  if (controller === undefined || handler === undefined) return undefined;
  if (isWriting(wordsIn(handler))) return `it is called ${handler}`;
  const call = codeFacts(controller, handler).calls.find((name) => WRITING_CALL.test(name));
  return call === undefined ? undefined : `its code calls ${call}`;
}

function isWriting([first = '', second = '']: readonly string[]): boolean {
  return WRITING.has(first) || WRITING.has(first + second);
}

function wordsIn(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
}
