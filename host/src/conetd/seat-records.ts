// Which instances of drivers had their names, kept until the machine starts anew.
import { SeatRecord, type SeatRecords } from '../drivers/index.ts'
import type { Store } from '../store/index.ts'

export function seatRecords(store: Store): SeatRecords {
  const table = store.table('seats', SeatRecord)
  return {
    get: (driver) => table.get(driver),
    put: (driver, record) => store.transaction((changes) => table.put(changes, driver, record)),
    delete: (driver) => store.transaction((changes) => table.delete(changes, driver), 'removal'),
  }
}
