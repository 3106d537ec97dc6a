import { cookieProblems } from '../../lib/response/cookies.js';
import { explainCookie } from '../../lib/response/explain-cookie.js';

describe('what is said of a cookie that browsers do not store', () => {
  it.each([
    ['sid=1; SameSite=None', 'sid, set by /account', 'SameSite=None without Secure', 'Add Secure'],
    ['sid=1; Partitioned', 'sid, set by /account', 'Partitioned without Secure', 'Add Secure.'],
    ['__Host-sid=1; Secure', '__Host-sid, set by /account', 'Path=/ and no Domain', 'Set Secure and Path=/'],
    ['__Secure-sid=1', '__Secure-sid, set by /account', 'needs Secure', 'Add Secure'],
    [`sid=${'x'.repeat(4097)}`, 'sid, set by /account', 'longer than 4096 bytes', 'only an id'],
    ['__Host-sid', 'a cookie without a name, set by /account', '__Host-', 'take another name'],
    ['=secret=1; Partitioned', 'a cookie without a name, set by /account', 'Partitioned', 'Add Secure.'],
    ['=__Secure-sid; Secure', 'a cookie without a name, set by /account', '__Secure-', 'take another name'],
  ])('%.30s: %s', (setCookie, subject, cause, fix) => {
    const [problem] = cookieProblems(setCookie);
    const details = problem && explainCookie(setCookie, problem, '/account?token=secret');
    expect(details).toEqual({ subject, cause: expect.stringContaining(cause), fix: expect.stringContaining(fix) });
  });

  it('is never the value of the cookie', () => {
    const details = explainCookie('sid=secret; SameSite=None', 'same-site-none-without-secure', '/');
    expect(JSON.stringify(details)).not.toContain('secret');
  });
});
