import type { ArithmeticOp, Field, ScalarOp } from '../syntax/ast.ts'

/** Evaluates arithmetic between literals, so that `2 * 500ms` compiles like `1s`. */
export function foldConstants(field: Field): Field {
  if (field.kind === 'unary') {
    const operand = foldConstants(field.operand)
    if (field.op === '!') return { ...field, operand }
    const value = getNumber(operand)
    return value === undefined
      ? { ...field, operand }
      : { kind: 'literal', type: 'float', value: -value, from: field.from, to: field.to }
  }
  if (field.kind !== 'binary') return field
  const left = foldConstants(field.left)
  const right = foldConstants(field.right)
  const [a, b] = [getNumber(left), getNumber(right)]
  if (a === undefined || b === undefined || !isArithmetic(field.op)) return { ...field, left, right }
  return { kind: 'literal', type: 'float', value: calculate(field.op, a, b), from: field.from, to: field.to }
}

export function calculate(op: ArithmeticOp, a: number, b: number): number {
  return arithmetic[op](a, b)
}

const arithmetic: Readonly<Record<ArithmeticOp, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '^': (a, b) => a ** b,
}

export function compareNumbers(left: number, op: ScalarOp, right: number): boolean {
  return !Number.isNaN(left) && !Number.isNaN(right) && comparisons[op](left, right)
}

const comparisons: Readonly<Record<ScalarOp, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
}

function getNumber(field: Field): number | undefined {
  if (field.kind !== 'literal') return undefined
  return field.type === 'int' || field.type === 'float' || field.type === 'duration' ? field.value : undefined
}

export function isArithmetic(op: string): op is ArithmeticOp {
  return Object.hasOwn(arithmetic, op)
}
