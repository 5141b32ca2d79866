use civic_types::{Value, value};

/// A household of the register: 159 bytes.
pub fn small() -> Value {
    value!({
        "name": "Familjen Åkerström",
        "district": "Kvarter 7",
        "adults": 2,
        "children": 3,
        "needs": ["water", "insulin"],
        "reached": true,
        "updated": 1_700_000_000_123_u64,
        "position": {"lat": 59.334_591, "lon": 18.063_24},
        "note": "knocks",
    })
}

/// A street of the register: 1.6 KB.
pub fn large() -> Value {
    let households: Vec<Value> = (0..9_u64)
        .map(|number| {
            value!({
                "id": format!("household/{number:08}"),
                "name": format!("Familj {number}"),
                "adults": number % 3 + 1,
                "children": number % 4,
                "needs": ["water", "power", "medicine"],
                "reached": number % 2 == 0,
                "updated": 1_700_000_000_000_u64 + number * 977,
                "position": {"lat": 59.334_591 + number as f64 / 1000.0, "lon": 18.063_24},
                "note": "second floor, ring twice",
            })
        })
        .collect();
    value!({"street": "Storgatan", "households": households})
}
