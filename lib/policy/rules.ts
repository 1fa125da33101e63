/** Who acts. Re-read from the database for every request; never taken from a cookie or a form. */
export type Actor = {
  id: number;
  email: string;
  name: string;
  isStaff: boolean;
  isSuperuser: boolean;
  /** IANA zone. */
  timeZone: string;
  locale: 'en' | 'ru';
};

/** What is done to a thing that one user owns: a client, a message, a mailing with its runs. */
export type OwnedVerb = 'read' | 'create' | 'update' | 'delete' | 'send' | 'disable';

/** Pure: may the actor do this to something of `ownerId`? `policy/scopes` says the same in SQL. */
export function can(actor: Actor, verb: OwnedVerb, ownerId: number): boolean {
  if (actor.isSuperuser) return true;
  switch (verb) {
    case 'read':
      return actor.isStaff || actor.id === ownerId;
    case 'disable':
      return actor.isStaff;
    case 'create':
    case 'update':
    case 'delete':
    case 'send':
      return actor.id === ownerId;
  }
}

/** Pure: does the actor see the managers' desk: everybody's things, the users, and the audit log? */
export function canManage(actor: Actor): boolean {
  return actor.isStaff || actor.isSuperuser;
}

/** Pure: may the actor write, publish and delete articles, whoever wrote them? */
export function canManagePosts(actor: Actor): boolean {
  return canManage(actor);
}

/** Pure: may the actor block this user, or lift the block? Nobody blocks themselves or an admin; a manager no manager. */
export function canBlock(
  actor: Actor,
  target: { id: number; isStaff: boolean; isSuperuser: boolean },
): boolean {
  if (actor.id === target.id || target.isSuperuser) return false;
  return actor.isSuperuser || (actor.isStaff && !target.isStaff);
}

/** Pure: may the actor make managers and admins, and take that away? */
export function canChangeRoles(actor: Actor): boolean {
  return actor.isSuperuser;
}

/** A row that an address names, and through it its owner. `ids` as in the path, outermost first: a run's are mailing and run. */
export type NamedThing = {
  entity: 'client' | 'message' | 'mailing' | 'run' | 'attempt';
  verb: 'read' | 'change';
  ids: number[];
};
