import type { SpansetOp } from '../syntax/ast.ts'

/** Members of a spanset: one byte per span of the trace, in its order. */
export type Members = Uint8Array

/**
 * Combines two spansets of one trace. Relations keep spans of the right; their union forms those of
 * both sides.
 */
export function combine(op: SpansetOp, left: Members, right: Members, tree: Tree): Members {
  switch (op) {
    case '&&':
      return isEmpty(left) || isEmpty(right) ? new Uint8Array(left.length) : union(left, right)
    case '||':
      return union(left, right)
    default:
      return filterRelated(op, left, right, tree)
  }
}

function filterRelated(op: SpansetOp, left: Members, right: Members, tree: Tree): Members {
  const relation = op.replace(/^[!&]/, '')
  const have = findRelatives(relation, left, tree)
  if (op.startsWith('!')) return right.map((member, at) => (member && !have[at] ? 1 : 0))
  const kept = right.map((member, at) => (member && have[at] ? 1 : 0))
  if (!op.startsWith('&')) return kept
  const mirror = findRelatives(mirroredRelations[relation] ?? '~', right, tree)
  return union(
    kept,
    left.map((member, at) => (member && mirror[at] ? 1 : 0)),
  )
}

const mirroredRelations: Readonly<Record<string, string>> = { '>>': '<<', '<<': '>>', '>': '<', '<': '>', '~': '~' }

/**
 * Finds the spans in a relation to a member: for `>>`, those with an ancestor among the members.
 */
function findRelatives(relation: string, members: Members, tree: Tree): Members {
  const found = new Uint8Array(members.length)
  const { parents, topDown } = tree
  switch (relation) {
    case '>':
      for (const at of topDown) found[at] = getMember(members, parents[at])
      break
    case '>>':
      for (const at of topDown) found[at] = getMember(members, parents[at]) | getMember(found, parents[at])
      break
    case '<':
      for (const at of topDown) if (members[at]) addMember(found, parents[at])
      break
    case '<<':
      for (const at of topDown.toReversed()) if (members[at] || found[at]) addMember(found, parents[at])
      break
    default:
      markSiblings(found, members, tree)
  }
  return found
}

/** Spans whose parent is not stored are siblings if they name the same parent id. */
function markSiblings(found: Members, members: Members, { parents, parentIds }: Tree): void {
  const families = parentIds.map((id, at) => ((parents[at] ?? -1) >= 0 ? parents[at] : id))
  const inFamily = new Map<number | string | undefined, number>()
  for (const [at, family] of families.entries()) {
    if (family !== '' && members[at]) inFamily.set(family, (inFamily.get(family) ?? 0) + 1)
  }
  for (const [at, family] of families.entries()) {
    const others = (inFamily.get(family) ?? 0) - (members[at] ?? 0)
    if (family !== '' && others > 0) found[at] = 1
  }
}

/** Parents and order of a trace's spans. */
export type Tree = {
  readonly parentIds: readonly string[]
  /** Index of the parent, -1 for none or one that is missing. */
  readonly parents: Int32Array
  /**
   * Every span after its parent. Spans in a cycle of parents are left out and have no relatives.
   */
  readonly topDown: readonly number[]
}

export function buildTree({ parents: known, parentIds }: Pick<Tree, 'parents' | 'parentIds'>): Tree {
  const parents = known.map((parent) => Math.max(parent, -1))
  const children: number[][] = parentIds.map(() => [])
  const topDown: number[] = []
  for (const [at, parent] of parents.entries()) {
    if (parent === -1) topDown.push(at)
    else children[parent]?.push(at)
  }
  // `topDown` grows during the loop: each span appends its children.
  for (let next = 0; next < topDown.length; next++) {
    for (const child of children[topDown[next] ?? -1] ?? []) topDown.push(child)
  }
  return { parentIds, parents, topDown }
}

export function isEmpty(members: Members): boolean {
  return !members.includes(1)
}

export function union(left: Members, right: Members): Members {
  return left.map((member, at) => member | (right[at] ?? 0))
}

function getMember(members: Members, at: number | undefined): number {
  return at === undefined || at < 0 ? 0 : (members[at] ?? 0)
}

function addMember(members: Members, at: number | undefined): void {
  if (at !== undefined && at >= 0) members[at] = 1
}
