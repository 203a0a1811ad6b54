import { manyPlugs } from '../chaos/many-plugs.ts'

manyPlugs(10_000)
