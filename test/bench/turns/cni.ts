// The CNI bridge plugin.
import type { Cni } from '../cni.ts'
import { timedSync } from '../samples.ts'
import type { Plugger } from './turns.ts'

export function cniPlugger(cni: Cni): Plugger {
  return {
    plug: async (number) => [
      ['cni-add', timedSync(() => cni.add(number))],
      ['exec-nothing', timedSync(() => cni.execNothing())],
    ],
    unplug: async (number) => [['cni-del', timedSync(() => cni.del(number))]],
  }
}
