use crate::protocol::Status;

/// Where the devices are, and what has come over a LAN from where it should not.
///
/// A cut town has no link between its neighbourhoods but the silent cables. That no LAN reaches over is not
/// taken on trust: every device tells whom it met, and if that is somebody of the other neighbourhood, all that
/// it got over its LAN meanwhile has crossed.
#[derive(Clone, Debug)]
pub(super) struct Crossing {
    /// The neighbourhood of each device.
    sites: Vec<usize>,
    /// Who has moved: whoever it left may meet it until that one has noticed. What it meets itself counts.
    moved: Option<usize>,
    /// What each device had got when it was asked before.
    got: Vec<u64>,
    /// What each device had got over the internet, once all have noticed that there is none.
    far: Option<Vec<u64>>,
    /// Bytes; none until it is watched for.
    crossed: Option<u64>,
}

impl Crossing {
    pub(super) fn new(sites: Vec<usize>) -> Self {
        Self { got: vec![0; sites.len()], sites, moved: None, far: None, crossed: None }
    }

    pub(super) fn site(&self, device: usize) -> usize {
        self.sites.get(device).copied().unwrap_or_default()
    }

    pub(super) fn moved(&mut self, device: usize, site: usize) {
        if let Some(here) = self.sites.get_mut(device) {
            *here = site;
        }
        self.moved = Some(device);
    }

    /// From now on it counts.
    pub(super) const fn watch(&mut self) {
        self.crossed = Some(0);
    }

    /// From now on nobody may get anything over the internet, by whatever way round the cables.
    pub(super) fn offline(&mut self, statuses: &[(usize, u64)]) {
        let mut far = vec![u64::MAX; self.sites.len()];
        for (device, got) in statuses {
            if let Some(before) = far.get_mut(*device) {
                *before = *got;
            }
        }
        self.far = Some(far);
    }

    /// What has crossed.
    pub(super) fn bytes(&self) -> u64 {
        self.crossed.unwrap_or_default()
    }

    /// Takes in whom a device met and what it got.
    pub(super) fn note(&mut self, device: usize, status: &Status, peers: &[String]) {
        let site = self.site(device);
        let other = |at: &usize| self.site(*at) != site && Some(*at) != self.moved;
        let met = |at: &usize| peers.get(*at).is_some_and(|peer| status.near.contains(peer));
        let stranger = (0..peers.len()).filter(other).any(|at| met(&at));
        if let (Some(before), Some(crossed)) =
            (self.far.as_mut().and_then(|far| far.get_mut(device)), &mut self.crossed)
        {
            *crossed += status.far.saturating_sub(*before);
            *before = status.far.max(*before);
        }
        let Some(before) = self.got.get_mut(device) else { return };
        // A process that was started anew counts from nothing.
        let got = status.lan.1.checked_sub(*before).unwrap_or(status.lan.1);
        *before = status.lan.1;
        if let (true, Some(crossed)) = (stranger, &mut self.crossed) {
            // Even a connection without a message is one.
            *crossed += got.max(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(near: &[&str], got: u64) -> Status {
        let near = near.iter().map(|&peer| peer.to_owned()).collect();
        Status { near, lan: (0, got), ..Status::default() }
    }

    #[test]
    fn what_comes_from_the_other_neighbourhood_is_counted_once_watched_for() {
        let peers = ["a", "b", "c"].map(str::to_owned);
        let mut crossing = Crossing::new(vec![0, 0, 1]);
        crossing.note(0, &status(&["b", "c"], 10), &peers);
        assert_eq!(crossing.bytes(), 0);
        crossing.watch();
        crossing.note(0, &status(&["b"], 20), &peers);
        assert_eq!(crossing.bytes(), 0);
        crossing.note(0, &status(&["b", "c"], 25), &peers);
        assert_eq!(crossing.bytes(), 5);
        crossing.note(0, &status(&["c"], 25), &peers);
        assert_eq!(crossing.bytes(), 6);
    }

    #[test]
    fn what_comes_over_the_internet_once_it_is_gone_is_counted() {
        let peers = ["a", "b"].map(str::to_owned);
        let mut crossing = Crossing::new(vec![0, 1]);
        let far = |far| Status { far, ..Status::default() };
        crossing.watch();
        crossing.note(0, &far(100), &peers);
        crossing.offline(&[(0, 100)]);
        crossing.note(0, &far(100), &peers);
        crossing.note(1, &far(50), &peers);
        assert_eq!(crossing.bytes(), 0);
        crossing.note(0, &far(107), &peers);
        crossing.note(0, &far(107), &peers);
        assert_eq!(crossing.bytes(), 7);
    }

    #[test]
    fn whoever_moved_may_be_remembered_by_those_it_left_and_may_not_meet_them() {
        let peers = ["a", "b", "c"].map(str::to_owned);
        let mut crossing = Crossing::new(vec![0, 0, 1]);
        crossing.watch();
        crossing.moved(1, 1);
        crossing.note(0, &status(&["b"], 10), &peers);
        crossing.note(1, &status(&["c"], 10), &peers);
        crossing.note(2, &status(&["b"], 10), &peers);
        assert_eq!(crossing.bytes(), 0);
        crossing.note(1, &status(&["a"], 17), &peers);
        assert_eq!(crossing.bytes(), 7);
    }
}
