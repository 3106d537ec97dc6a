import { Inject, Injectable } from '@nestjs/common';
import { Members, type Member } from '../members/members.js';
import type { SiteRequest } from '../site/site-request.js';

/** Knows who is asking. */
@Injectable()
export class Visitors {
  constructor(@Inject(Members) private readonly members: Members) {}

  /** The member who is signed in; over http nobody ever is. */
  memberOf(request: SiteRequest): Member | undefined {
    const slug = request.session?.userId;
    return slug === undefined ? undefined : this.members.withSlug(slug);
  }
}
