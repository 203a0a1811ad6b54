// The kernel toolkit alone.
import type { Floor } from '../floor.ts'
import { timedSync } from '../samples.ts'
import type { Plugger } from './turns.ts'

type Rows = { readonly plug: string; readonly unplug?: string }

export function floorPlugger(floor: Floor, rows: Rows): Plugger {
  return {
    plug: async (number) => [[rows.plug, timedSync(() => floor.plug(number))]],
    async unplug(number) {
      const ms = timedSync(() => floor.unplug(number))
      return rows.unplug === undefined ? [] : [[rows.unplug, ms]]
    },
  }
}
