// The CNI bridge plugin, one endpoint at a time.
import type { Cni } from '../cni.ts'
import type { Side } from '../interleave.ts'
import { timedSync } from '../samples.ts'

export function cniSide(cni: Cni): Side {
  return {
    warmUps: 3,
    round: async () => [
      ['cni-add', timedSync(() => cni.add())],
      ['cni-del', timedSync(() => cni.del())],
      ['exec-nothing', timedSync(() => cni.execNothing())],
    ],
  }
}
