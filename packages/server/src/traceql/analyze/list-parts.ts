import {
  type Field,
  type Filter,
  linkOps,
  type LinkOp,
  type Pipeline,
  type Scalar,
  type Spanset,
  type Stage,
} from '../syntax/ast.ts'

type Part = Spanset | Stage | Scalar
export type LinkOperation = Spanset & { readonly kind: 'operation'; readonly op: LinkOp }

/** Lists a part of a pipeline and all inside it, in the order of the query. */
export function listParts(part: Part, options: { readonly intoLinks: boolean }): readonly Part[] {
  return [part, ...listChildren(part, options).flatMap((child) => listParts(child, options))]
}

function listChildren(part: Part, { intoLinks }: { readonly intoLinks: boolean }): readonly Part[] {
  if (part.kind === 'pipeline') return [part.source, ...part.stages]
  if (part.kind === 'spanset') return [part.spanset]
  if (!('left' in part) || (isLinkOperation(part) && !intoLinks)) return []
  return [part.left, part.right]
}

export function isLinkOperation(part: Part): part is LinkOperation {
  return part.kind === 'operation' && linkOps.some((op) => op === part.op)
}

/** Returns the filter of a pipeline that is one filter, maybe with select(). */
export function findOnlyFilter({ source, stages }: Pipeline): Filter | undefined {
  return source.kind === 'filter' && stages.every((stage) => stage.kind === 'select') ? source : undefined
}

/** Lists the attributes, intrinsics and literals of an expression. */
export function listLeaves(field: Field): readonly Exclude<Field, { kind: 'unary' | 'binary' }>[] {
  if (field.kind === 'unary') return listLeaves(field.operand)
  return field.kind === 'binary' ? [...listLeaves(field.left), ...listLeaves(field.right)] : [field]
}
