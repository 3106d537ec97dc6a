import { Injectable, NotFoundException } from '@nestjs/common';

/** A letter on the blog. */
export interface Post {
  readonly slug: string;
  readonly title: string;
  /** The slug of the member who wrote it. */
  readonly author: string;
  readonly summary: string;
  readonly paragraphs: readonly string[];
}

const POSTS: readonly Post[] = [
  {
    slug: 'a-postcard-and-a-letter',
    title: 'A postcard and a letter',
    author: 'ines-okafor',
    summary: 'Why most of this site goes over http, and some of it never does.',
    paragraphs: [
      'A postcard is fine for saying that the weather is good. Everybody who carries it may read it, and nobody minds. What you would not write on a postcard goes into an envelope.',
      "This site does the same. Its pages are postcards: read them over http or https, as you like. A form with somebody's address in it is a letter, and a letter goes over https. Ask for one over plain HTTP and you are sent to its https twin. Post one over plain HTTP and you are told so instead: it has already been read on the way, and a redirect would only hide that.",
    ],
  },
  {
    slug: 'links-that-know-the-way',
    title: 'Links that know the way',
    author: 'tomas-reyes',
    summary: 'A redirect is a safety net. The link should have led to the right place to begin with.',
    paragraphs: [
      'When a page over plain HTTP links to a secret one by a relative path, the first request for the secret page goes out over plain HTTP. The redirect that answers it comes too late for whatever that request carried.',
      'So no link here is written by hand. Each names a handler, and the handler says what it needs: look at where "Edit this member" leads on a page that came over http, and you will see https and a port. On the page it leads to, all the links are https again.',
    ],
  },
  {
    slug: 'the-lamp-that-answers-anybody',
    title: 'The lamp that answers anybody',
    author: 'ada-marlowe',
    summary: 'Some things must stay reachable over plain HTTP, even behind a locked door.',
    paragraphs: [
      'The keeper of the lamps has no time for redirects. A watchman asks "are you lit?" in the plainest way there is, and anything but a plain yes sounds an alarm.',
      'That is why the health check answers over http, and why the accounts desk, all of it behind https, keeps one window open: its status. Each says so in the code, beside the handler, where the next person will look.',
    ],
  },
];

/** The letters on the blog. */
@Injectable()
export class Posts {
  /** Every letter, the newest first. */
  all(): readonly Post[] {
    return POSTS;
  }

  /** The letter with this slug. Throws `NotFoundException` when there is none. */
  find(slug: string): Post {
    const post = POSTS.find((candidate) => candidate.slug === slug);
    if (post === undefined) throw new NotFoundException('There is no letter of that name.');
    return post;
  }
}
