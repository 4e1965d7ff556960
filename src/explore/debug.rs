//! What graphs and budgets look like in a message: their size, not all that is in them.

use std::fmt::{self, Debug};

use stateright::Model;

use super::{Budget, Graph, Path};
use crate::model::CheckedModel;

impl Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("states_max", &self.states_max)
            .field("depth_max", &self.depth_max)
            .field("threads", &self.threads)
            .field("recheck", &self.recheck)
            .field("equality", &self.equality)
            .finish_non_exhaustive()
    }
}

impl<M: Model> Debug for Graph<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Graph").field(&self.shape).finish()
    }
}

impl<M: CheckedModel> Debug for Path<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Path").field("initial", &self.initial).field("steps", &self.steps).finish()
    }
}
