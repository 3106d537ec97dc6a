/** Whether a method is GET or HEAD: it carries no body and changes nothing (RFC 9110 9.2.1), so a redirect loses nothing. */
export function isSafe(method: string | undefined): boolean {
  return method === 'GET' || method === 'HEAD';
}
