export { isAllOfFamily } from './host-addresses.ts'
export { giversFirst } from './port-moves.ts'
export {
  type GivenPorts,
  type PoolRange,
  type PortAssignment,
  PortPool,
  stayingPorts,
} from './port-pool.ts'
export type { ListeningPort } from './port-refusals.ts'
export { type PortWish, portWishesOf } from './port-wishes.ts'
