// From the rules of a document to what the kernel is told: the policies of both families.
import type { FieldError } from '../../errors/index.ts'
import { compile } from '../policy/compile.ts'
import type { NetOutRule } from '../policy/document.ts'
import type { Family } from '../policy/ranges.ts'
import { type EgressPlan, egressPolicy } from '../policy/rules.ts'
import { type PolicyChain, policyChain } from './policy-chains.ts'

/** All that decides on what is compiled. */
export type EgressSource = {
  readonly network: EgressPlan
  readonly netOut: readonly NetOutRule[]
  readonly families: readonly Family[]
  readonly logPrefix: string
  readonly table: string
}

export type CompiledEgress = {
  /** Of a family that may do all there is none. */
  readonly chains: Partial<Record<Family, PolicyChain>>
}

/** A document for a thread to compile, and what it answers. */
export type ThreadRequest = { readonly id: number; readonly source: EgressSource }
export type ThreadAnswer = { readonly id: number } & ThreadOutcome

/** An error of the toolkit would lose its class on the way. */
export type ThreadOutcome =
  | { readonly compiled: CompiledEgress }
  | { readonly refused: { readonly message: string; readonly fields: readonly FieldError[] } }

/** As `EgressCompiler.compile`, in this thread. */
export function compileEgress({ network, netOut, families, logPrefix, table }: EgressSource): CompiledEgress {
  const policy = egressPolicy(network, netOut)
  const chains: Partial<Record<Family, PolicyChain>> = {}
  for (const family of families) {
    const compiled = compile(policy, { family, logPrefix })
    if (compiled !== undefined) chains[family] = policyChain(compiled, table)
  }
  return { chains }
}
