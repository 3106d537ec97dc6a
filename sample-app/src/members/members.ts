import { Injectable, NotFoundException } from '@nestjs/common';

/** A member of the society. */
export interface Member {
  readonly slug: string;
  readonly name: string;
  readonly lamp: string;
  readonly about: string;
  /** For the member and the society only: no public page shows it. */
  readonly email: string;
}

/** What a member may change. */
export type MemberChanges = Partial<Omit<Member, 'slug'>>;

const FOUNDERS: readonly Member[] = [
  {
    slug: 'ada-marlowe',
    name: 'Ada Marlowe',
    lamp: 'Gull Point, since 1998',
    about:
      'Keeps the smallest lamp on the north shore, and a log of every ship that waved back.\n\nAsk her about the winter the sea froze.',
    email: 'ada@lamplight.example',
  },
  {
    slug: 'tomas-reyes',
    name: 'Tomas Reyes',
    lamp: 'The Long Mole, since 2004',
    about: 'Repairs lenses. Says that a clean lamp is worth two bright ones.',
    email: 'tomas@lamplight.example',
  },
  {
    slug: 'ines-okafor',
    name: 'Ines Okafor',
    lamp: 'Saint Brannoc, since 2019',
    about: "Counts seabirds between watches, and writes the society's letters.",
    email: 'ines@lamplight.example',
  },
];

/** The members, kept in memory for as long as the process lives. */
@Injectable()
export class Members {
  private readonly bySlug = new Map(FOUNDERS.map((member) => [member.slug, member]));

  /** Every member, in the order they joined. */
  all(): Member[] {
    return [...this.bySlug.values()];
  }

  /** The member with this slug. Throws `NotFoundException` when there is none. */
  find(slug: string): Member {
    const member = this.bySlug.get(slug);
    if (member === undefined) throw new NotFoundException('There is no member of that name.');
    return member;
  }

  /** The member with this slug, if there is one. */
  withSlug(slug: string): Member | undefined {
    return this.bySlug.get(slug);
  }

  /** The member who goes by this name, in any case, if there is one. */
  named(name: string): Member | undefined {
    return this.all().find((member) => member.name.toLowerCase() === name.toLowerCase());
  }

  /** Changes a member; what is not given, and a blank name, stay as they are. Throws `NotFoundException` when there is none. */
  change(slug: string, changes: MemberChanges): Member {
    const before = this.find(slug);
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const after: Member = { ...before, ...given, name: changes.name || before.name };
    this.bySlug.set(slug, after);
    return after;
  }
}
