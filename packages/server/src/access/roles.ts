/** Roles of a token or of a signed-in user. */
export const roles = ['ingest', 'read', 'admin'] as const

/**
 * - `ingest`: sends telemetry.
 * - `read`: queries, pages, metrics of the server.
 * - `admin`: everything, also deletes, backups and own telemetry.
 */
export type Role = (typeof roles)[number]

/** What a route requires; `public` needs no credentials. */
export type RouteRole = Role | 'public'

/** Whether one of the roles permits what requires `needed`. */
export function permits(granted: readonly Role[], needed: RouteRole): boolean {
  return needed === 'public' || granted.includes(needed) || granted.includes('admin')
}
