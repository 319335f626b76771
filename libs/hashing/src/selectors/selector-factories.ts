import type { SelectorFactory } from "../selector.ts";
import { SlotTable } from "../slot-table.ts";
import { AnchorSelector } from "./anchor.ts";
import { jump } from "./jump.ts";
import { maglev } from "./maglev.ts";
import { MementoSelector } from "./memento.ts";
import { modulo } from "./modulo.ts";
import { multiProbe } from "./multi-probe.ts";
import { rendezvous, weightedRendezvous } from "./rendezvous.ts";
import { ring } from "./ring.ts";

/** Every algorithm by its name, for comparisons; all hash keys with keySlotHash. */
export const selectorFactories = {
  modulo,
  ring,
  rendezvous,
  "weighted-rendezvous": weightedRendezvous,
  jump,
  maglev,
  "multi-probe": multiProbe,
  anchor: AnchorSelector.build,
  memento: MementoSelector.build,
  slots: SlotTable.build,
} as const satisfies Readonly<Record<string, SelectorFactory>>;
