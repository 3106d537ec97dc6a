import type { INestApplication } from '@nestjs/common';

/** What must hold in every project, over a real socket. */
export async function check(app: INestApplication): Promise<void> {
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const expected: [path: string, status: number, said: string | null][] = [
    ['/members', 200, null],
    ['/members/ada/edit', 307, 'https://example.com/members/ada/edit'],
    ['/admin', 307, 'https://example.com/admin'],
  ];
  for (const [path, status, location] of expected) {
    const answer = await fetch(url + path, { redirect: 'manual' });
    const body = await answer.text();
    if (answer.status !== status || answer.headers.get('location') !== location) {
      throw new Error(`${path}: ${answer.status}, ${answer.headers.get('location')}, ${body}`);
    }
    if (path === '/members' && body !== 'https://example.com/members/ada/edit') throw new Error(body);
  }
}
