//! Requests and messages to instances, and what becomes of those that have ended.

use super::{
    super::{
        Burials, Epoch, Expired, InstanceNo, LastBuried, Message, MessageNo, Micros, Received, RequestNo, Sent, Told,
    },
    state::{Kept, State},
};
use std::collections::{BTreeMap, HashMap};

/// The messages of one instance.
#[derive(Debug, Default)]
pub(super) struct Letters {
    waiting: BTreeMap<MessageNo, Received>,
    /// The bodies of all of them, by name and id, also of those that were consumed.
    known: HashMap<(Box<str>, Box<str>), Box<str>>,
}

impl Letters {
    /// Whether one of this name is there.
    pub(super) fn waiting_of(&self, name: &str) -> bool {
        self.waiting.values().any(|letter| &*letter.name == name)
    }

    pub(super) fn consume(&mut self, no: MessageNo) {
        self.waiting.remove(&no);
    }
}

impl State {
    pub(super) fn request(&mut self, to: InstanceNo, body: &str, ended: bool) -> Option<RequestNo> {
        let open = |kept: &&Kept| !kept.instance.buried && (ended || !kept.instance.status.is_end());
        self.instances.get(&to).filter(open)?;
        self.last_request += 1;
        let no = RequestNo(self.last_request);
        self.requests.insert(no, (to, body.into()));
        self.tell_owner(to, Told::Request);
        Some(no)
    }

    pub(super) fn inbox(&self, instance: InstanceNo) -> Vec<(RequestNo, Box<str>)> {
        let its = self.requests.iter().filter(|(_, (to, _))| *to == instance);
        its.map(|(no, (_, body))| (*no, body.clone())).collect()
    }

    pub(super) fn inboxes(
        &self,
        epoch: Epoch,
        sagas: &[&str],
        after: Option<InstanceNo>,
        limit: usize,
    ) -> Vec<InstanceNo> {
        let mut instances: Vec<_> = self.requests.values().map(|(to, _)| *to).collect();
        instances.retain(|instance| after.is_none_or(|after| *instance > after));
        instances.retain(|instance| {
            self.instances.get(instance).is_some_and(|kept| {
                sagas.contains(&&*kept.instance.saga)
                    && (kept.instance.owner == Some(epoch) || kept.may_be_decided(epoch, &self.living))
            })
        });
        instances.sort_unstable();
        instances.dedup();
        instances.truncate(limit);
        instances
    }

    pub(super) fn send(&mut self, to: InstanceNo, message: &Message, at: Micros) -> Sent {
        let Some(kept) = self.instances.get_mut(&to) else { return Sent::Unknown };
        let key = (message.name.clone(), message.id.clone());
        match kept.letters.known.get(&key) {
            Some(body) if *body == message.body => return Sent::Duplicate(to),
            Some(_) => return Sent::Conflict(to),
            None if kept.instance.status.is_end() => return Sent::Ended(to),
            None => {}
        }
        self.last_message += 1;
        let no = MessageNo(self.last_message);
        let Message { name, id, body } = message.clone();
        kept.moment = kept.moment.max(at);
        kept.letters.known.insert(key, body.clone());
        kept.letters.waiting.insert(no, Received { no, name, id, body, at: kept.moment });
        let due = kept.instance.awaits.contains(&message.name);
        if due {
            kept.due_by(at);
        }
        match (kept.instance.owner, due) {
            (Some(_), _) => self.tell_owner(to, Told::Message),
            (None, true) => self.crier.tell(None, Told::Work),
            (None, false) => {}
        }
        Sent::Stored(to)
    }

    pub(super) fn messages(&self, instance: InstanceNo) -> Vec<Received> {
        let letters = self.instances.get(&instance).map(|kept| &kept.letters.waiting);
        letters.into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Buries one, unless its parent has not ended, or not before this moment.
    pub(super) fn bury(&mut self, instance: InstanceNo, before: Option<Micros>) -> bool {
        let held = self.is_held(instance, before);
        let Some(kept) = self.instances.get_mut(&instance) else { return false };
        if kept.instance.buried {
            return true;
        }
        if held || !kept.instance.status.is_settled() {
            return false;
        }
        kept.instance.buried = true;
        kept.instance.owner = None;
        kept.instance.labels.clear();
        kept.rows = Vec::new();
        kept.letters = Letters::default();
        self.requests.retain(|_, (to, _)| *to != instance);
        true
    }

    /// Whether somebody above it has not ended, or not before this moment: it may have to be undone.
    fn is_held(&self, instance: InstanceNo, before: Option<Micros>) -> bool {
        let late = |ended: Micros| before.is_some_and(|before| ended >= before);
        // Who starts another one is there before it.
        let above = |no: &InstanceNo| {
            let parent = self.instances.get(no).and_then(|kept| kept.instance.parent);
            parent.filter(|parent| parent < no)
        };
        let all = std::iter::successors(above(&instance), above).map_while(|no| self.instances.get(&no));
        all.into_iter().any(|above| above.instance.ended_at.is_none_or(late))
    }

    pub(super) fn bury_ended(&mut self, expired: &Expired) -> Burials {
        let wanted = |kept: &&Kept| !kept.instance.buried && expired.statuses.contains(&kept.instance.status);
        let mut found = self.ended(&expired.saga, expired.before, wanted);
        found.retain(|&(at, no)| {
            expired.after.is_none_or(|last| (at, no) > last)
                && self.instances[&no].instance.status.is_settled()
                && !self.is_held(no, Some(expired.before))
        });
        found.truncate(expired.limit);
        let last = found.last().copied().filter(|_| found.len() == expired.limit);
        let gone = found.into_iter().map(|(_, no)| u64::from(self.bury(no, Some(expired.before)))).sum();
        Burials { gone, last }
    }

    pub(super) fn forget_buried(&mut self, saga: &str, before: Micros, limit: usize) -> u64 {
        let mut found = self.ended(saga, before, |kept| kept.instance.buried);
        found.truncate(limit);
        for kept in found.iter().filter_map(|(_, no)| self.instances.remove(no)) {
            self.identities.remove(&(kept.instance.saga, kept.instance.id));
        }
        found.len().try_into().unwrap_or(u64::MAX)
    }

    /// The instances of a saga that ended before this moment and are wanted, the earliest first.
    fn ended(&self, saga: &str, before: Micros, wanted: impl Fn(&&Kept) -> bool) -> Vec<LastBuried> {
        let its = self.instances.values().filter(|kept| &*kept.instance.saga == saga).filter(wanted);
        let ended = its.filter_map(|kept| Some((kept.instance.ended_at?, kept.instance.no)));
        let mut ended: Vec<_> = ended.filter(|(at, _)| *at < before).collect();
        ended.sort_unstable();
        ended
    }
}
