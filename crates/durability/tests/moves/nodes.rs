//! Sets of a few nodes.

/// A set of nodes, a bit each.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Nodes(u8);

impl Nodes {
    pub(crate) fn of(nodes: &[usize]) -> Nodes {
        Nodes(nodes.iter().fold(0, |bits, node| bits | 1 << node))
    }

    pub(crate) fn has(self, node: usize) -> bool {
        self.0 & 1 << node != 0
    }

    pub(crate) fn with(self, node: usize) -> Nodes {
        Nodes(self.0 | 1 << node)
    }

    pub(crate) fn without(self, other: Nodes) -> Nodes {
        Nodes(self.0 & !other.0)
    }

    pub(crate) fn and(self, other: Nodes) -> Nodes {
        Nodes(self.0 & other.0)
    }

    pub(crate) fn or(self, other: Nodes) -> Nodes {
        Nodes(self.0 | other.0)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub(crate) fn count(self) -> usize {
        self.0.count_ones() as usize
    }

    pub(crate) fn contains(self, other: Nodes) -> bool {
        other.without(self).is_empty()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = usize> {
        (0..8).filter(move |node| self.has(*node))
    }

    /// All subsets.
    pub(crate) fn subsets(self) -> impl Iterator<Item = Nodes> {
        (0..=self.0).map(Nodes).filter(move |subset| self.contains(*subset))
    }

    /// The smallest majority.
    pub(crate) fn write_quorum(self) -> usize {
        self.count() / 2 + 1
    }

    /// What every majority has a node of.
    pub(crate) fn fence_quorum(self) -> usize {
        self.count() - self.write_quorum() + 1
    }
}

impl std::fmt::Debug for Nodes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
